// npm's `ws` as the client: node ws.mjs DIRECTORY-OF-NODE_MODULES SERVER-URL RUNNER-URL
import { createRequire } from "node:module";
import { runAll } from "./cases.mjs";
import { Connection, after, expect, same, words } from "./checks.mjs";

const [, , modules, url, runner] = process.argv;
const { WebSocket } = createRequire(`${modules}/`)("ws");

const PING_SECONDS = 10;

// An odd length, so that fragments end inside of characters.
const FRAGMENT = (1 << 14) + 1;

function sendInFragments(socket, bytes, binary) {
  for (let at = 0; at < bytes.length; at += FRAGMENT) {
    const fin = at + FRAGMENT >= bytes.length;
    socket.send(bytes.subarray(at, at + FRAGMENT), { fin, binary });
    if (!fin) socket.ping(); // control frames may stand between fragments
  }
}

await runAll({ WebSocket, url, runner }, {
  "1 MiB in fragments": async (client) => {
    const connection = await Connection.open(client);
    const text = words(1 << 20);
    const bytes = Buffer.from(text);
    sendInFragments(connection.socket, bytes, false);
    same(text, await connection.next());
    sendInFragments(connection.socket, bytes, true);
    same(Uint8Array.from(bytes).buffer, await connection.next());
    await connection.close();
  },

  "its ping is answered": async (client) => {
    const connection = await Connection.open(client);
    for (const payload of ["", "are you there?", "x".repeat(125)]) {
      const pong = new Promise((resolve) => connection.socket.once("pong", (data) => resolve(`pong ${data}`)));
      connection.socket.ping(payload);
      expect(`pong ${payload}`, await Promise.race([pong, after(PING_SECONDS).then(() => "no pong")]));
    }
    await connection.close();
  },
});
