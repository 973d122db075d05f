// npm's `ws` as the client: node ws.mjs DIRECTORY-OF-NODE_MODULES RUNNER-URL
import { createRequire } from "node:module";
import { runAll } from "./cases.mjs";
import { Connection, after, expect, same, words } from "./checks.mjs";

const [, , modules, runner] = process.argv;
const { WebSocket } = createRequire(`${modules}/`)("ws");

const PING_SECONDS = 10;

// An odd length, so that fragments end inside of characters.
const FRAGMENT = (1 << 14) + 1;

// The header fields are there once the socket is open.
function offering({ url, by_itself: byItself, alternatives, zlib }) {
  const headers = {};
  const options = {
    finishRequest(request) {
      headers.offered = request.getHeader("Sec-WebSocket-Extensions") ?? "";
      request.end();
    },
  };
  if (!byItself) options.perMessageDeflate = alternatives.length > 0 && deflateOptions(alternatives[0], zlib);
  const socket = new WebSocket(url, [], options);
  socket.once("upgrade", (response) => (headers.answered = response.headers["sec-websocket-extensions"] ?? ""));
  return { socket, headers };
}

function deflateOptions(parameters, zlib) {
  return {
    serverNoContextTakeover: parameters.server_no_context_takeover,
    clientNoContextTakeover: parameters.client_no_context_takeover,
    serverMaxWindowBits: parameters.server_max_window_bits,
    clientMaxWindowBits: parameters.client_max_window_bits ?? false,
    zlibDeflateOptions: zlib,
    threshold: 0, // even an empty message
  };
}

// Control frames may stand between fragments. Returns what tells whether all pings have been answered.
function sendInFragments(socket, bytes, options, length = FRAGMENT) {
  let sent = 0;
  let answered = 0;
  const count = () => answered++;
  socket.on("pong", count);
  for (let at = 0; at < bytes.length; at += length) {
    const fin = at + length >= bytes.length;
    socket.send(bytes.subarray(at, at + length), { ...options, fin });
    if (!fin) socket.ping(`${sent++}`);
  }
  return () => {
    socket.off("pong", count);
    expect(`${sent} pongs`, `${answered} pongs`);
  };
}

function bytes(socket) {
  const { bytesWritten: up, bytesRead: down } = socket._socket;
  return { up, down };
}

await runAll({ WebSocket, runner, offering, sendInFragments, bytes }, {
  "1 MiB in fragments": async (client) => {
    const connection = await Connection.open(client);
    const text = words(1 << 20);
    const bytes = Buffer.from(text);
    sendInFragments(connection.socket, bytes, { binary: false });
    same(text, await connection.next());
    sendInFragments(connection.socket, bytes, { binary: true });
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
