// uWebSockets, as Bun has it: bun bun_server.mjs PORT
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.argv[2]),
  fetch(request, server) {
    if (server.upgrade(request)) return undefined;
    return new Response("WebSockets only\n", { status: 426, headers: { Upgrade: "websocket", Connection: "Upgrade" } });
  },
  websocket: {
    perMessageDeflate: true,
    maxPayloadLength: 1 << 28,
    message(socket, data) {
      socket.send(data);
    },
  },
});
console.log(`listening on ws://127.0.0.1:${server.port}`);
