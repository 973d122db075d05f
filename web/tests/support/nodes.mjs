// Two nodes of the program, the broker that they share, and nginx in front of both, configured as docs/nodes.md says. Not
// here: what is said to them.

import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { TOKEN } from "../../mock.mjs";
import { Child } from "./child.mjs";

export { TOKEN };

const SOCKEYE = process.env.SOCKEYE;
const PAGE = new URL("../../../docs/nodes.md", import.meta.url);
/** However slow the machine: what takes longer has failed. */
const PATIENCE = 30_000;

/** Why there can be no nodes here, or `false`. */
export function missing() {
  if (!SOCKEYE) return "only the program has nodes: SOCKEYE=PATH";
  // Debian has nginx where only root looks.
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin"];
  const absent = ["redis-server", "nginx"].filter((one) => !folders.some((folder) => existsSync(join(folder, one))));
  if (absent.length === 0) return false;
  const why = `${absent.join(" and ")} not installed`;
  if (process.env.SOCKEYE_BROKERS === "all") throw new Error(why);
  return why;
}

/** All of it, on free ports; `kill` and `start` are told the number of a node, which is 0 or 1. */
export async function nodes() {
  const folder = mkdtempSync(join(tmpdir(), "sockeye-nodes-"));
  const [proxy, broker, ...ports] = await freePorts(4);
  const running = new Map();
  const env = { ...process.env, SOCKEYE_ADMIN_TOKEN: TOKEN, PATH: `${process.env.PATH}${delimiter}/usr/sbin` };
  const run = async (name, program, argv, port) => {
    const child = await Child.start(program, argv, { cwd: folder, env, stdio: ["ignore", "ignore", "inherit"] });
    running.set(name, child);
    await listens(port);
  };
  const start = (node) => {
    const shared = ["--backplane", `redis://127.0.0.1:${broker}`, "--node-name", ["one", "two"][node]];
    const argv = ["serve", "--listen", `127.0.0.1:${ports[node]}`, "--log", "error", ...shared];
    return run(node, SOCKEYE, argv, ports[node]);
  };
  const kill = async (name) => {
    const child = running.get(name);
    running.delete(name);
    await child?.stop();
  };
  const stop = async () => {
    for (const name of [...running.keys()]) await kill(name);
    rmSync(folder, { recursive: true, force: true });
  };
  /** How many connections each node has, by its metrics. */
  const connections = () => Promise.all(ports.map(open));

  try {
    await run("broker", "redis-server", ["--port", `${broker}`, "--bind", "127.0.0.1", "--save", ""], broker);
    await Promise.all([start(0), start(1)]);
    writeFileSync(join(folder, "nodes.conf"), configuration(proxy, ports));
    const here = ["-p", folder, "-e", "nginx.log", "-c", "nodes.conf", "-g", "daemon off;"];
    await run("proxy", "nginx", here, proxy);
    await Promise.all(ports.map(well));
  } catch (problem) {
    await stop();
    throw problem;
  }
  /** The admin page of one of them. */
  const admin = (node) => `http://127.0.0.1:${ports[node]}/admin`;
  return { url: `http://127.0.0.1:${proxy}`, admin, start, kill, stop, connections };
}

/** What the page says, with other ports. */
function configuration(proxy, ports) {
  const [, text] = /```nginx\n(.*?)```/s.exec(readFileSync(PAGE, "utf8"));
  const replaced = text
    .replace("listen 127.0.0.1:8080;", `listen 127.0.0.1:${proxy};`)
    .replace("127.0.0.1:9001", `127.0.0.1:${ports[0]}`)
    .replace("127.0.0.1:9002", `127.0.0.1:${ports[1]}`);
  for (const port of [proxy, ...ports]) {
    if (!replaced.includes(`127.0.0.1:${port}`)) throw new Error("docs/nodes.md has other addresses than this knows");
  }
  return replaced;
}

/** Below those that the system gives to whoever asks for any: what was killed finds its own free when it comes back. */
async function freePorts(number) {
  const ports = [];
  for (let port = 10_000 + Math.floor(Math.random() * 10_000); ports.length < number; port += 1) {
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

async function isFree(port) {
  const server = createServer().listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch {
    return false;
  }
  await once(server.close(), "close");
  return true;
}

/** Looks again and again, until it is so. */
export async function until(what, look) {
  for (const end = Date.now() + PATIENCE; Date.now() < end;) {
    const found = await look();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`waited in vain: ${what}`);
}

function listens(port) {
  return until(`a server at ${port}`, async () => {
    const socket = connect(port, "127.0.0.1");
    const answered = await once(socket, "connect").catch(() => false);
    socket.destroy();
    return answered;
  });
}

/** A node is well when it has reached its broker. */
function well(port) {
  return until(`the node at ${port}`, async () => (await ask(port, "/healthz")).trim() === "ok");
}

async function open(port) {
  const text = await ask(port, "/metrics").catch(() => "");
  return Number(/^sockeye_connections_open (\d+)$/m.exec(text)?.[1] ?? 0);
}

async function ask(port, path) {
  return (await fetch(`http://127.0.0.1:${port}${path}`)).text();
}
