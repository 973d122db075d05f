// What is said and heard over a connection that is there.

import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestError } from "../dist/sockeye.js";
import { World } from "./support/fakes.mjs";

test("B1.5 sending asks for nothing: one frame, no id, no reply awaited", () => {
  const world = new World();
  const socket = world.open();
  assert.equal(socket.send({ channel: "general", cmd: "chat", param: { text: "hello" } }), true);
  assert.deepEqual(world.wire.sent, ['{"channel":"general","cmd":"chat","param":{"text":"hello"}}']);
  assert.equal(world.clock.pending, 0);
});

test("B1.6 text is a message; binary is a Blob, or an ArrayBuffer where that was asked for", () => {
  const world = new World();
  world.open();
  assert.equal(world.wire.binaryType, "blob");
  world.open({ binaryType: "arraybuffer" });
  assert.equal(world.wire.binaryType, "arraybuffer");
  const bytes = new Uint8Array([1, 2]).buffer;
  world.wire.says(bytes);
  world.wire.says({ cmd: "chat" });
  assert.deepEqual(world.told, [
    ["data", bytes],
    ["message", { cmd: "chat" }],
  ]);
});

test("text as it is, for services that do not speak JSON", () => {
  const world = new World();
  const socket = world.open({ format: "text" });
  world.wire.says("Hello world");
  world.wire.says('{"cmd":"chat"}');
  assert.deepEqual(world.told, [
    ["data", "Hello world"],
    ["data", '{"cmd":"chat"}'],
  ]);
  socket.write("John");
  socket.write(new Uint8Array([7]));
  assert.deepEqual(world.wire.sent, ["John", new Uint8Array([7])]);
});

test("B2.12 emit tells the server, once: who else hears it is the server's affair", () => {
  const world = new World();
  const first = world.open();
  world.open();
  first.emit("announcements", { message: "A new user has joined!" }, "general");
  const sent = world.sockets.map(({ messages }) => messages);
  const message = { channel: "general", cmd: "announcements", param: { message: "A new user has joined!" } };
  assert.deepEqual(sent, [[message], []]);
});

test("B2.13 dispatch by name, with a wildcard; what nobody handles is logged, and the connection kept", () => {
  const world = new World();
  const socket = world.connect("/chat");
  world.wire.opens();
  const heard = [];
  const handler = (param, message) => heard.push(["news", param.message, message.from]);
  const other = () => heard.push(["other"]);
  socket
    .on("news", other)
    .on("news", handler)
    .off("news", other)
    .on("*", (_, { cmd }) => heard.push(["*", cmd]));
  world.wire.says({ cmd: "news", param: { message: "hello" }, from: "7" });
  assert.deepEqual(heard.splice(0), [
    ["news", "hello", "7"],
    ["*", "news"],
  ]);
  socket.off("news", handler).off("*");
  world.wire.says({ cmd: "news\r\nforged line" });
  world.wire.says({ type: "join", user: "7" });
  assert.deepEqual(heard, []);
  assert.deepEqual(world.log, [
    "WARN [socket] unhandled websocket command [news forged line]",
    "WARN [socket] unhandled websocket command [undefined]",
  ]);
  assert.equal(socket.state.name, "open");
});

test("B2.11 the first message is heard by handlers that are set right after connect()", () => {
  const world = new World();
  const heard = [];
  world.connect("/stackabuse").on("announcements", ({ message }) => heard.push(message));
  world.wire.opens();
  world.wire.says({ cmd: "announcements", param: { message: "A new user has joined!" } });
  assert.deepEqual(heard, ["A new user has joined!"]);
});

test("B3.20 a message that cannot be parsed is an error, and the connection is kept", () => {
  const world = new World();
  const socket = world.open();
  for (const payload of ["{", "", "nonsense", "[1]", "7", "null"]) {
    world.wire.says(payload);
    assert.deepEqual(world.told.pop(), ["error", "socket", `invalid message payload: ${payload}`]);
  }
  world.wire.says({ cmd: "chat" });
  assert.deepEqual(world.told, [["message", { cmd: "chat" }]]);
  assert.equal(socket.state.name, "open");
  assert.equal(world.wire.closedWith, undefined);
});

test("B3.24 whatever is logged stays one line", () => {
  const world = new World();
  world.open({}, true);
  world.wire.says('{"cmd":"chat",\r\n"param":"\\u001b[2J"}');
  world.wire.says("forged\n[socket] closed with 1000\u2028\u2029\u001b[2Jand gone");
  world.wire.ends(1006);
  assert.ok(world.log.length >= 5, "it says what happens");
  assert.ok(world.log.some((text) => text.includes("forged [socket] closed with 1000 [2Jand gone")));
  for (const text of world.log) assert.doesNotMatch(text, /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
});

test("B3.24 without debug nothing is logged", () => {
  const world = new World();
  world.open();
  world.wire.says({ cmd: "chat" });
  world.wire.ends(1006);
  assert.deepEqual(world.log, []);
});

test("B3.21 close-connection: it closes itself 500 ms later, and does not come back", () => {
  const world = new World();
  const socket = world.open();
  world.wire.says({ cmd: "close-connection" });
  world.clock.pass(499);
  assert.equal(world.wire.closedWith, undefined);
  world.wire.says({ cmd: "chat" });
  world.clock.pass(1);
  assert.deepEqual(world.wire.closedWith, { code: 1000, reason: "" });
  world.wire.ends(1000);
  world.clock.pass(120_000);
  assert.equal(world.sockets.length, 1);
  assert.deepEqual(world.told, [
    ["message", { cmd: "chat" }],
    ["close", 1000, "", true],
    ["state", "closed"],
  ]);
  assert.equal(socket.state.name, "closed");
});

test("B3.21 close-connection: also where the server is the faster one", () => {
  const world = new World();
  world.open();
  world.wire.says({ cmd: "close-connection" });
  world.wire.ends(1001);
  world.clock.pass(120_000);
  assert.equal(world.sockets.length, 1);
});

test("B0.30 a request is answered, refused, or takes too long", async () => {
  const world = new World();
  const socket = world.open();
  const answers = ["time", "forbidden", "slow", "hurried"].map((cmd, index) =>
    socket.request(cmd, { index }, index === 3 ? { timeout: 100, channel: "general" } : {}),
  );
  const settled = Promise.allSettled(answers);
  assert.deepEqual(world.wire.messages[0], { cmd: "time", param: { index: 0 }, id: 1 });
  assert.deepEqual(world.wire.messages[3], { channel: "general", cmd: "hurried", param: { index: 3 }, id: 4 });
  world.wire.says({ cmd: "error", re: 2, param: { message: "not for you" } });
  world.wire.says({ cmd: "reply", re: 1, param: { now: 7 } });
  world.wire.says({ cmd: "reply", re: 1, param: "twice" });
  world.clock.pass(4_999);
  world.wire.says({ cmd: "reply", re: 4, param: "late" });
  world.clock.pass(1);
  const [time, forbidden, slow, hurried] = await settled;
  assert.deepEqual(time.value, { now: 7 });
  const why = ({ reason }) => [reason instanceof RequestError, reason.why, reason.message];
  assert.deepEqual(why(forbidden), [true, "refused", "not for you"]);
  assert.deepEqual(forbidden.reason.param, { message: "not for you" });
  assert.deepEqual(why(slow), [true, "timeout", "no reply to slow within 5000 ms"]);
  assert.deepEqual(why(hurried), [true, "timeout", "no reply to hurried within 100 ms"]);
  assert.deepEqual(world.of("message"), [], "replies are not messages");
});

test("B0.30 an error that answers nothing is a message", () => {
  const world = new World();
  world.open();
  world.wire.says({ cmd: "error", re: null, param: { message: "no" } });
  assert.equal(world.of("message").length, 1);
});

test("B0.30 the server may ask, too", () => {
  const world = new World();
  const socket = world.open({ onmessage: undefined });
  socket.onmessage = (message) => socket.reply(message, { text: "here" });
  world.wire.says({ cmd: "are-you-there", id: 9 });
  assert.deepEqual(world.wire.messages, [{ cmd: "reply", re: 9, param: { text: "here" } }]);
});

test("what a callback throws is told, and the others are called", () => {
  const world = new World();
  const socket = world.open();
  socket.on("chat", () => {
    throw new Error("a bug");
  });
  world.wire.says({ cmd: "chat" });
  assert.deepEqual(world.told, [
    ["error", "handler", "a bug"],
    ["message", { cmd: "chat" }],
  ]);
});

test("what JSON cannot say is thrown to whoever said it, and nothing is left behind", async () => {
  const world = new World();
  const socket = world.open();
  const circle = {};
  circle.self = circle;
  assert.throws(() => socket.emit("chat", circle), TypeError);
  await assert.rejects(socket.request("chat", circle), TypeError);
  assert.equal(world.clock.pending, 0);
  assert.deepEqual(world.wire.sent, []);
});
