// With a real server that others wrote, npm's ws, and ws's client in the place of a browser's WebSocket.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { test } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import { Socket, connect } from "../dist/sockeye.js";

/** A server on a free port, that ends with the test. */
async function serve(context, onConnection, options = {}) {
  const requests = [];
  const http = createServer((_, response) => response.end());
  http.prependListener("request", ({ method, url }) => requests.push(`${method} ${url}`));
  http.prependListener("upgrade", ({ method, url }) => requests.push(`${method} ${url} upgrade`));
  const server = new WebSocketServer({ server: http, ...options });
  server.on("connection", onConnection);
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  context.after(() => {
    for (const client of server.clients) client.terminate();
    http.close();
  });
  return { server, requests, url: `ws://127.0.0.1:${http.address().port}` };
}

/** Opens one, and closes it with the test; `next(kind)` is what it is told next of that kind. */
function open(context, url, options = {}) {
  const told = { open: [], message: [], error: [], close: [], data: [] };
  const waiting = new Map();
  const tell = (kind, ...what) => {
    told[kind].push(what);
    waiting.get(kind)?.();
  };
  const socket = connect(url, {
    onopen: () => tell("open"),
    onmessage: (message) => tell("message", message),
    onerror: (...what) => tell("error", ...what),
    onclose: (closed) => tell("close", closed),
    ondata: (data) => tell("data", data),
    // No test waits for a second: the smallest waits that there are.
    firstDelay: 1,
    surroundings: { WebSocket },
    ...options,
  });
  context.after(() => socket.disconnect());
  const next = async (kind) => {
    while (told[kind].length === 0) await new Promise((resolve) => waiting.set(kind, resolve));
    return told[kind].shift();
  };
  return { socket, next };
}

test("B1.4 B2.10 one GET that is answered with 101, then onopen: no polling first", async (context) => {
  const { url, requests } = await serve(context, () => {});
  const { next } = open(context, `${url}/chat?name=x`);
  await next("open");
  assert.deepEqual(requests, ["GET /chat?name=x upgrade"]);
});

test("B1.6 text gives a string, binary an ArrayBuffer", async (context) => {
  const { url } = await serve(context, (peer) => peer.on("message", (data, binary) => peer.send(data, { binary })));
  const { socket, next } = open(context, url, { format: "text", binaryType: "arraybuffer" });
  socket.write("hé");
  socket.write(new Uint8Array([0, 255]));
  assert.deepEqual(await next("data"), ["hé"]);
  assert.deepEqual(await next("data"), [new Uint8Array([0, 255]).buffer]);
});

test("B2.14 everybody is told how many there are, and the newcomer is greeted first", async (context) => {
  const stats = (server) => {
    const message = JSON.stringify({ cmd: "stats", param: { numClients: server.clients.size } });
    for (const client of server.clients) client.send(message);
  };
  const served = await serve(context, (peer) => {
    peer.send(JSON.stringify({ cmd: "announcements", param: { message: "A new user has joined!" } }));
    stats(served.server);
    peer.on("close", () => stats(served.server));
  });
  const first = open(context, served.url);
  assert.equal((await first.next("message"))[0].cmd, "announcements");
  assert.deepEqual((await first.next("message"))[0].param, { numClients: 1 });
  const second = open(context, served.url);
  assert.deepEqual((await first.next("message"))[0].param, { numClients: 2 });
  second.socket.disconnect();
  assert.deepEqual((await first.next("message"))[0].param, { numClients: 1 });
});

test("B4.1 what the server closes with arrives", async (context) => {
  const { url } = await serve(context, (peer) => peer.close(4004, "not found"));
  const { socket, next } = open(context, url);
  assert.deepEqual(await next("close"), [{ code: 4004, reason: "not found", wasClean: true }]);
  assert.equal(socket.state.name, "closed");
});

test("B3.19 B3.22 the connection is cut, and what was said meanwhile arrives by the next one, in order", async (context) => {
  const heard = [];
  const { server, url } = await serve(context, (peer) =>
    peer.on("message", (data) => heard.push(JSON.parse(data).param)),
  );
  const { socket, next } = open(context, url);
  await next("open");
  for (const client of server.clients) client.terminate();
  assert.equal((await next("close"))[0].code, 1006);
  for (let index = 0; index < 5; index += 1) socket.emit("chat", index);
  await next("open");
  socket.emit("chat", "last");
  while (heard.at(-1) !== "last") await new Promise(setImmediate);
  assert.deepEqual(heard, [0, 1, 2, 3, 4, "last"]);
});

test("B1.7 a server that is not there: an error with a cause, then close", async (context) => {
  const { url } = await serve(context, () => {}, { verifyClient: () => false });
  const { next } = open(context, url, { reconnect: () => false });
  assert.match((await next("error"))[1], /^the connection to ws:\/\/127\.0\.0\.1:\d+ failed$/);
  assert.deepEqual(await next("close"), [{ code: 1006, reason: "", wasClean: false }]);
});

test("B0.30 a request and its reply", async (context) => {
  const { url } = await serve(context, (peer) =>
    peer.on("message", (data) => {
      const { cmd, id } = JSON.parse(data);
      peer.send(
        JSON.stringify(
          cmd === "no" ? { cmd: "error", re: id, param: { message: "no" } } : { cmd: "reply", re: id, param: cmd },
        ),
      );
    }),
  );
  const { socket } = open(context, url);
  assert.equal(await socket.request("before it is open"), "before it is open");
  await assert.rejects(socket.request("no"), { why: "refused", message: "no" });
});

test("B3.18 the constructor connects by itself", async (context) => {
  const { url } = await serve(context, (peer) => peer.send('{"cmd":"welcome"}'));
  let socket;
  const [message] = await new Promise((resolve) => {
    const opened = [];
    const onMessage = (message) => resolve([message, opened]);
    socket = new Socket(
      false,
      () => opened.push("open"),
      onMessage,
      () => {},
      url,
      { surroundings: { WebSocket } },
    );
  });
  assert.deepEqual(message, { cmd: "welcome" });
  socket.disconnect();
});
