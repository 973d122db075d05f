#!/usr/bin/env node
// What the pages need of `sockeye serve`, with made-up figures: for looking at them without building the program.
// `web/mock.mjs [PORT]` serves http://127.0.0.1:8000/ and /admin, whose token is "a-token-for-the-mock". Not here: anything that is served.

import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname } from "node:path";
import { pathToFileURL } from "node:url";
import { WebSocketServer } from "ws";
import { Figures } from "./tests/support/figures.mjs";

export const TOKEN = "a-token-for-the-mock";
const PAGES = { "/": "index.html", "/admin": "admin.html" };
const FILES = ["sockeye.js", "sockeye.d.ts", "chat.js", "admin.js", "sockeye.css", "favicon.svg"];
const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".ts": "text/plain",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};

/** The strictest policy that the pages work with; the program may send the same. */
export const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join("; ");

/** What is said in a room, for those who come back to it. A server that is started anew knows nothing of it. */
class History {
  #life = randomUUID();
  #kept = [];

  get at() {
    return `${this.#life}-${this.#kept.length}`;
  }

  keep(cmd, param, except) {
    const text = JSON.stringify({ cmd, param, at: `${this.#life}-${this.#kept.length + 1}` });
    this.#kept.push({ text, except });
    return text;
  }

  /** What was said since; `undefined` where that is not known. */
  since(at, as) {
    const count = at.startsWith(`${this.#life}-`) ? Number(at.slice(this.#life.length + 1)) : NaN;
    if (!(count <= this.#kept.length)) return undefined;
    return this.#kept.slice(count).filter(({ except }) => except !== as);
  }
}

/**
 * Listens on 127.0.0.1. `people` is how many made-up connections the admin page shows beside the real ones, and `history`
 * has its charts begin with ten minutes behind them; `node` has it share rooms with two made-up servers.
 */
export async function start({ port = 0, people = 0, history = false, node = false } = {}) {
  const http = createServer(answer);
  const server = new WebSocketServer({ noServer: true, handleProtocols: () => "sockeye.admin" });
  const world = {
    rooms: new Map(),
    histories: new Map(),
    figures: new Figures(people, node),
    history,
    taps: new Set(),
  };
  http.on("upgrade", (request, socket, head) => {
    const url = new URL(request.url, "http://localhost");
    const serve = route(url, request, world);
    if (typeof serve === "number")
      return socket.end(`HTTP/1.1 ${serve} No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    server.handleUpgrade(request, socket, head, serve);
  });
  await new Promise((resolve, reject) => http.once("error", reject).listen(port, "127.0.0.1", resolve));
  const stop = () =>
    new Promise((resolve) => {
      for (const client of server.clients) client.terminate();
      http.close(resolve);
      http.closeAllConnections();
    });
  const members = (room) => [...(world.rooms.get(room) ?? [])];
  const say = (room, message) => {
    for (const [member] of members(room)) member.send(JSON.stringify(message));
  };
  const each = (room, name, call) => members(room).forEach(([member, user]) => user === name && call(member));
  const silence = (room, name) => each(room, name, (member) => (member.send = () => {}));
  const drop = (room, name) => each(room, name, (member) => member.terminate());
  const { port: own } = http.address();
  return { url: `http://127.0.0.1:${own}`, port: own, stop, say, silence, drop };
}

async function answer({ url }, response) {
  const path = new URL(url, "http://localhost").pathname;
  if (path === "/healthz") return response.end("ok\n");
  const file = PAGES[path] ?? FILES.find((file) => path === `/${file}`);
  if (!file) return response.writeHead(404).end();
  const body = await readFile(new URL(`dist/${file}`, import.meta.url));
  const head = {
    "Content-Type": `${TYPES[extname(file)]}; charset=utf-8`,
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
  };
  response.writeHead(200, head).end(body);
}

function route({ pathname, searchParams }, { headers }, world) {
  const room = /^\/chat\/([^/]+)$/.exec(pathname)?.[1];
  if (room) {
    const name = searchParams.get("name") || "nobody";
    return (peer) => chat(world, peer, decodeURIComponent(room), name, searchParams.get("resume"));
  }
  if (pathname !== "/admin/socket") return 404;
  const offered = (headers["sec-websocket-protocol"] ?? "").split(/, */);
  return offered.includes(`token.${TOKEN}`) ? (peer) => admin(world, peer) : 401;
}

const say = (peer, cmd, param, more = {}) => peer.send(JSON.stringify({ cmd, param, ...more }));

function chat({ rooms, histories, taps, figures }, peer, room, user, token) {
  const members = rooms.get(room) ?? rooms.set(room, new Map()).get(room);
  const id = figures.open(`/chat/${room}`, "/chat/{room}", user, [room], peer);
  const history = histories.get(room) ?? histories.set(room, new History()).get(room);
  const all = (cmd, param, except) => {
    const text = history.keep(cmd, param, except === undefined ? undefined : String(id));
    for (const member of members.keys()) if (member !== except) member.send(text);
  };
  resume(peer, history, String(id), token);
  members.set(peer, user);
  say(peer, "welcome", { id, user, room, numClients: members.size });
  all("user-joined", { id, user }, peer);
  all("stats", { numClients: members.size });
  peer.on("message", (data) => {
    const { cmd, param } = JSON.parse(data);
    if (cmd === "chat") all("chat", { user, text: param.text, time: Date.now() });
    else if (cmd === "ping") all("pong", { timestamp: Date.now() });
    else say(peer, "error", { message: `unhandled websocket command [${cmd}]` });
    for (const tap of taps)
      tap({ id, path: `/chat/${room}`, dir: "in", kind: "text", bytes: data.length, text: String(data).slice(0, 256) });
  });
  peer.on("close", () => {
    figures.gone(id);
    members.delete(peer);
    all("user-left", { id, user });
    all("stats", { numClients: members.size });
  });
}

function resume(peer, history, as, token) {
  const [at, name] = token?.split(",") ?? [history.at];
  const missed = history.since(at, name);
  const param = { missed: missed?.length ?? 0, complete: missed !== undefined, as };
  say(peer, "resumed", param, { at: missed ? at : history.at });
  for (const { text } of missed ?? []) peer.send(text);
}

function admin({ figures, history, taps }, peer) {
  let watched = {};
  let timers = [];
  const tap = (event) => say(peer, "tap", { time: Date.now(), ...event });
  const commands = {
    watch(param) {
      if (timers.length === 0 && history) for (const past of figures.past(600)) say(peer, "snapshot", past);
      watched = param ?? {};
      say(peer, "snapshot", figures.snapshot(watched));
      if (timers.length === 0) timers = [setInterval(() => say(peer, "snapshot", figures.snapshot(watched)), 1_000)];
    },
    send: ({ to, text, ...message }) => ({
      queued: figures.send(to, text ?? JSON.stringify(message)),
      message: "sent message",
    }),
    close({ id, code, reason }) {
      if (!figures.close(id, code, reason)) throw new Error(`there is no connection ${id}`);
      return {};
    },
    tap({ on }) {
      taps.delete(tap);
      clearInterval(timers[1]);
      if (on) {
        taps.add(tap);
        timers[1] = setInterval(() => {
          for (const event of figures.traffic()) tap(event);
          if (Math.random() < 0.05) say(peer, "tap-lost", { count: 1 + Math.floor(Math.random() * 20) });
        }, 200);
      }
      return {};
    },
  };
  peer.on("message", (data) => {
    const { cmd, param, id } = JSON.parse(data);
    try {
      const result = commands[cmd](param ?? {});
      if (id !== undefined) say(peer, "reply", result, { re: id });
    } catch (error) {
      say(peer, "error", { message: error.message }, { re: id });
    }
  });
  peer.on("close", () => {
    taps.delete(tap);
    timers.forEach(clearInterval);
  });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { url } = await start({ port: Number(process.argv[2] ?? 8000), people: 86, history: true });
  console.log(`${url}/ and ${url}/admin, whose token is "${TOKEN}"`);
}
