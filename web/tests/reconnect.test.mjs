// What happens when a connection ends, and before there is another one.

import assert from "node:assert/strict";
import { test } from "node:test";
import { World } from "./support/fakes.mjs";

/** Loses the connection that never opened, again and again; returns the waits. */
function waits(world, socket, count) {
  return Array.from({ length: count }, () => {
    world.wire.ends(1006);
    const before = world.sockets.length;
    const wait = socket.state.at - world.clock.time;
    world.clock.pass(wait - 1);
    assert.equal(world.sockets.length, before, "not earlier than it says");
    world.clock.pass(1);
    assert.equal(world.sockets.length, before + 1);
    return wait;
  });
}

test("B3.22 the wait doubles up to 30 s, and the first one is at most 3 s", () => {
  const world = new World();
  const socket = world.open();
  const bounds = [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000];
  assert.deepEqual(waits(world, socket, 8), bounds);
});

test("B3.22 full jitter: the wait is drawn from the whole span", () => {
  for (const random of [0.25, 0.5, 0.999]) {
    const world = new World();
    const socket = world.open();
    world.random = random;
    assert.deepEqual(
      waits(world, socket, 3),
      [1_000, 2_000, 4_000].map((bound) => Math.round(bound * random)),
    );
  }
});

test("B3.22 after ten stable seconds the next wait is a first one again, and not before", () => {
  for (const [lived, expected] of [
    [9_999, 8_000],
    [10_000, 1_000],
  ]) {
    const world = new World();
    const socket = world.open();
    waits(world, socket, 3);
    world.wire.opens();
    world.clock.pass(lived);
    assert.deepEqual(waits(world, socket, 1), [expected]);
  }
});

test("B3.22 no way back after 1008, 4001 and 4004; after all others there is", () => {
  for (const code of [1000, 1001, 1006, 1008, 1011, 1012, 1013, 4000, 4001, 4004, 4999]) {
    const world = new World();
    const socket = world.open();
    world.wire.ends(code, "why");
    world.clock.pass(60_000);
    const final = [1008, 4001, 4004].includes(code);
    assert.equal(world.sockets.length, final ? 1 : 2, `${code}`);
    assert.equal(socket.state.name, final ? "closed" : "connecting");
    if (final) assert.deepEqual(socket.state.closed, { code, reason: "why", wasClean: true });
  }
});

test("B3.22 the user's own judgement: reconnect(closed)", () => {
  const world = new World();
  world.open({ reconnect: ({ code }) => code !== 4009 });
  world.wire.ends(1006);
  world.clock.pass(1_000);
  world.wire.opens();
  world.wire.ends(4009);
  world.clock.pass(60_000);
  assert.equal(world.sockets.length, 2);
});

test("B3.23 a page that goes opens nothing more", () => {
  const world = new World();
  const socket = world.open();
  world.page.tell("beforeunload");
  world.wire.ends(1001);
  world.clock.pass(4_000);
  world.page.tell("pagehide", { persisted: false });
  world.clock.pass(120_000);
  assert.equal(world.sockets.length, 1);
  assert.equal(socket.state.name, "closed");
});

test("B3.23 nor where it goes while it waits for the next attempt", () => {
  const world = new World();
  world.open();
  world.wire.ends(1006);
  world.page.tell("pagehide", { persisted: false });
  world.clock.pass(120_000);
  assert.equal(world.sockets.length, 1);
});

test("B3.23 a page that stays after all comes back, be it open, lost or waiting", () => {
  const open = new World();
  open.open();
  open.page.tell("beforeunload");
  open.clock.pass(5_000);
  assert.equal(open.sockets.length, 1);
  open.wire.ends(1006);
  open.clock.pass(1_000);
  assert.equal(open.sockets.length, 2);

  for (const endsFirst of [true, false]) {
    const world = new World();
    world.open();
    if (endsFirst) world.wire.ends(1006);
    world.page.tell("beforeunload");
    if (!endsFirst) world.wire.ends(1006);
    world.clock.pass(5_000);
    assert.equal(world.sockets.length, 2);
  }
});

test("B3.23 a page that the browser keeps lets go of its connection, and connects again when it is shown", () => {
  for (const told of [true, false]) {
    const world = new World();
    const socket = world.open();
    const request = socket.request("time");
    request.catch(() => {});
    const [old] = world.sockets;
    world.page.tell("pagehide", { persisted: true });
    assert.deepEqual(old.closedWith, { code: undefined, reason: undefined });
    if (told) old.ends(1005, "", true);
    world.page.tell("pageshow", { persisted: true });
    assert.equal(world.sockets.length, 2);
    world.wire.opens();
    if (!told) old.ends(1005, "", true);
    assert.equal(socket.state.name, "open");
    assert.equal(world.of("close").length, 1);
    world.page.tell("pageshow", { persisted: false });
    assert.equal(world.sockets.length, 2);
  }
});

test("B3.23 a socket that was closed for good leaves nothing with the page", () => {
  const world = new World();
  const socket = world.open();
  assert.ok(world.page.listeners > 0);
  socket.disconnect();
  world.wire.ends(1000);
  assert.equal(world.page.listeners, 0);
  world.page.tell("pagehide", { persisted: true });
  world.page.tell("pageshow", { persisted: true });
  world.page.tell("online");
  world.clock.pass(60_000);
  assert.equal(world.sockets.length, 1);
  assert.equal(world.clock.pending, 0);
});

test("a network that is there again is tried at once", () => {
  const world = new World();
  world.open();
  world.page.tell("online");
  assert.equal(world.sockets.length, 1);
  world.wire.ends(1006);
  world.page.tell("online");
  assert.equal(world.sockets.length, 2);
  world.clock.pass(60_000);
  assert.equal(world.sockets.length, 2);
});

test("B3.19 what is sent meanwhile waits, and leaves in order before onOpen", () => {
  const world = new World();
  const socket = world.socket("/chat", {
    onstate: (state) => state.name === "open" && world.told.push(["open, sent", world.wire.sent.length]),
  });
  for (const text of ["a", "b", "c"]) assert.equal(socket.emit("chat", { text }), false);
  assert.equal(socket.queued, 3);
  world.wire.opens();
  assert.deepEqual(
    world.wire.messages.map(({ param }) => param.text),
    ["a", "b", "c"],
  );
  assert.deepEqual(world.told, [["open, sent", 3], ["open"]]);
  assert.equal(socket.queued, 0);
  assert.equal(socket.dropped, 0);
});

test("B3.19 a hundred wait; the oldest are dropped for more, and counted", () => {
  const world = new World();
  const socket = world.open();
  world.wire.ends(1006);
  for (let index = 0; index < 103; index += 1) socket.emit("chat", index);
  assert.equal(socket.queued, 100);
  assert.equal(socket.dropped, 3);
  assert.deepEqual(
    world.of("drop").map(([{ param }]) => param),
    [0, 1, 2],
  );
  world.clock.pass(1_000);
  world.wire.opens();
  const sent = world.wire.messages.map(({ param }) => param);
  assert.deepEqual(
    sent,
    Array.from({ length: 100 }, (_, index) => index + 3),
  );
});

test("B3.19 nothing is lost between close() and its end", () => {
  const world = new World();
  const socket = world.open();
  world.wire.close();
  assert.equal(socket.emit("chat", 1), false);
  world.wire.ends(1000);
  world.clock.pass(1_000);
  world.wire.opens();
  assert.deepEqual(world.wire.messages, [{ cmd: "chat", param: 1 }]);
});

test("B1.7 an error carries a cause, and close comes after it", () => {
  const world = new World();
  world.socket("/chat");
  world.wire.ends(1006);
  world.clock.pass(1_000);
  world.wire.opens();
  world.wire.ends(1006);
  assert.deepEqual(
    world.told.filter(([kind]) => kind === "error" || kind === "close"),
    [
      ["error", "socket", "the connection to ws://example.org:8000/chat failed"],
      ["close", 1006, "", false],
      ["error", "socket", "the connection to ws://example.org:8000/chat broke"],
      ["close", 1006, "", false],
    ],
  );
});

test("B1.8 B4.1 onclose says code, reason and whether it was clean", () => {
  for (const closed of [
    [1001, "shutdown", true],
    [1006, "", false],
    [1011, "ping timeout", true],
    [4000, "bye", true],
  ]) {
    const world = new World();
    world.open();
    world.wire.ends(...closed);
    assert.deepEqual(world.of("close"), [closed]);
  }
});

test("each state is told, with the time of the next attempt", () => {
  const world = new World();
  const states = [];
  const socket = world.socket("/chat", { onstate: (state) => states.push(state) });
  assert.deepEqual(socket.state, { name: "connecting", attempt: 1 });
  world.wire.opens();
  world.wire.ends(1006);
  const lost = world.clock.time;
  world.clock.pass(1_000);
  world.wire.opens();
  socket.disconnect(4000, "enough");
  assert.deepEqual(world.wire.closedWith, { code: 4000, reason: "enough" });
  world.wire.ends(4000, "enough");
  assert.deepEqual(states, [
    { name: "open" },
    { name: "waiting", attempt: 2, at: lost + 1_000 },
    { name: "connecting", attempt: 2 },
    { name: "open" },
    { name: "closed", closed: { code: 4000, reason: "enough", wasClean: true } },
  ]);
});

test("disconnect while it waits, and connect by hand", () => {
  const world = new World();
  const socket = world.open();
  world.wire.ends(1006);
  socket.connect();
  assert.equal(world.sockets.length, 2);
  socket.connect();
  assert.equal(world.sockets.length, 2);
  world.wire.ends(1006);
  socket.disconnect();
  assert.equal(socket.state.name, "closed");
  world.clock.pass(60_000);
  assert.equal(world.sockets.length, 2);
  socket.connect();
  world.wire.opens();
  assert.equal(world.sockets.length, 3);
  assert.equal(socket.state.name, "open");
});

test("disconnect() throws for codes that a page cannot send, and changes nothing then", () => {
  const world = new World();
  const socket = world.open();
  assert.throws(() => socket.disconnect(1001));
  world.wire.ends(1006);
  assert.equal(socket.state.name, "waiting");
});

test("rooms are joined again, before anything that waited", () => {
  const world = new World();
  const socket = world.open();
  socket.join("a");
  socket.join("b");
  socket.leave("a");
  const room = (cmd, name) => ({ cmd, param: { room: name } });
  assert.deepEqual(world.wire.messages, [room("join-room", "a"), room("join-room", "b"), room("leave-room", "a")]);
  world.wire.ends(1006);
  socket.emit("chat", 1);
  socket.join("c");
  socket.join("d");
  socket.leave("d");
  assert.deepEqual(socket.rooms, ["b", "c"]);
  world.clock.pass(1_000);
  world.wire.opens();
  assert.deepEqual(world.wire.messages, [room("join-room", "b"), room("join-room", "c"), { cmd: "chat", param: 1 }]);
});

test("B0.30 a request ends with its connection, but one that only waits goes on waiting", async () => {
  const world = new World();
  const socket = world.open();
  const sent = socket.request("a");
  world.wire.ends(1006);
  await assert.rejects(sent, { why: "closed", message: "the connection ended with 1006" });
  const queued = socket.request("b");
  const expired = socket.request("c", undefined, { timeout: 500 });
  world.clock.pass(1_000);
  await assert.rejects(expired, { why: "timeout" });
  world.wire.opens();
  assert.deepEqual(world.wire.messages, [{ cmd: "b", id: 2 }], "nobody waits for the other any more");
  world.wire.says({ cmd: "reply", re: 2, param: "yes" });
  assert.equal(await queued, "yes");
});

test("B0.30 requests that are dropped, or that nobody will ever send, are rejected", async () => {
  const world = new World();
  const socket = world.open({ queueLimit: 1 });
  world.wire.ends(1006);
  const dropped = socket.request("a");
  const waiting = socket.request("b");
  await assert.rejects(dropped, { why: "dropped" });
  const ended = assert.rejects(waiting, { why: "closed", message: "the socket was closed" });
  socket.disconnect();
  await ended;
  assert.equal(socket.queued, 0);
  assert.equal(world.clock.pending, 0);
});
