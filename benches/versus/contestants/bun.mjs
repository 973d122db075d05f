// The newest uWebSockets, which is the server inside Bun, as Bun's documentation writes an echo; without compression.
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch(request, server) {
    if (server.upgrade(request)) return undefined;
    return new Response("WebSockets only\n", { status: 426, headers: { Upgrade: "websocket", Connection: "Upgrade" } });
  },
  websocket: {
    perMessageDeflate: false,
    maxPayloadLength: 64 << 20,
    backpressureLimit: 64 << 20,
    message(socket, data) {
      socket.send(data);
    },
  },
});
console.log(`listening on ws://127.0.0.1:${server.port}`);
