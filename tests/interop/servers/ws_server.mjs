// npm's `ws` as an echo server: node ws_server.mjs DIRECTORY-OF-NODE_MODULES PORT DEFLATE [CERTIFICATE KEY]
//
// What the paths mean is said in README.md.
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { createRequire } from "node:module";

const [, , modules, port, deflate, certificate, key] = process.argv;
const { WebSocketServer } = createRequire(`${modules}/`)("ws");

const DEFLATE = {
  on: { threshold: 0 }, // even an empty message is compressed
  none: false,
  small: {
    threshold: 0,
    serverNoContextTakeover: true,
    clientNoContextTakeover: true,
    serverMaxWindowBits: 9,
    clientMaxWindowBits: 9,
  },
};

function wish(request) {
  return new URL(request.url, "ws://localhost").pathname.slice(1).split("/").map(decodeURIComponent);
}

function talk(socket, request) {
  const [what, ...rest] = wish(request);
  socket.on("error", (error) => console.error(error.message)); // a client may do anything
  if (what === "close") return socket.close(Number(rest[0]), rest[1]);
  if (what === "ping") {
    socket.once("pong", (payload) => socket.send(`pong ${payload}`));
    return socket.ping(rest[0]);
  }
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
}

const secure = certificate !== undefined;
const options = secure && { cert: readFileSync(certificate), key: readFileSync(key) };
const server = secure ? https.createServer(options) : http.createServer();
const sockets = new WebSocketServer({
  server,
  perMessageDeflate: DEFLATE[deflate],
  maxPayload: 1 << 28,
  handleProtocols: ([first], request) => wish(request)[0] !== "protocol" && first,
});
sockets.on("connection", talk);
sockets.on("headers", (headers, request) => {
  const [what, name] = wish(request);
  if (what === "protocol") headers.push(`Sec-WebSocket-Protocol: ${name}`); // whatever was offered
});
server.listen(Number(port), "127.0.0.1", () => {
  console.log(`listening on ${secure ? "wss" : "ws"}://127.0.0.1:${server.address().port}`);
});
