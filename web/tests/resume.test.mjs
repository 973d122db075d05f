// Going on where the last connection was, with a server that keeps what it says.

import assert from "node:assert/strict";
import { test } from "node:test";
import { World } from "./support/fakes.mjs";

const CHAT = "ws://example.org:8000/chat";

/** What the server says once on each connection. */
function resumed(at, as, { missed = 0, complete = true } = {}) {
  return { cmd: "resumed", param: { missed, complete, as }, at };
}

/** Loses the connection, and opens the next one; returns where that went to. */
function comesBack(world) {
  world.wire.ends(1006);
  world.clock.pass(60_000);
  world.wire.opens();
  return world.wire.url;
}

test("a server that keeps nothing is asked for nothing, whatever its messages say with `at`", () => {
  const world = new World();
  const socket = world.open();
  world.wire.says({ cmd: "train", param: {}, at: "12.30" });
  assert.equal(socket.resumeToken, undefined);
  assert.equal(comesBack(world), CHAT);
});

test("the next connection goes on with the last message that was heard, or where the last one began", () => {
  const world = new World();
  const socket = world.open();
  world.wire.says({ cmd: "welcome", at: "not-yet" });
  world.wire.says(resumed("5-7", "1f.2a"));
  assert.equal(socket.resumeToken, "5-7,1f.2a");
  assert.equal(comesBack(world), `${CHAT}?resume=5-7,1f.2a`);

  // Lost before the server has said anything: the same again.
  assert.equal(comesBack(world), `${CHAT}?resume=5-7,1f.2a`);

  world.wire.says({ cmd: "say", at: "5-9" });
  assert.equal(socket.resumeToken, "5-7,1f.2a", "not before it has said which connection this is");
  world.wire.says(resumed("5-7", "30.1", { missed: 1 }));
  world.wire.says({ cmd: "say", at: "5-8" });
  world.wire.says({ cmd: "stats" });
  world.wire.says({ cmd: "reply", re: 1, at: "5-9" });
  assert.equal(socket.resumeToken, "5-9,30.1");
  assert.equal(comesBack(world), `${CHAT}?resume=5-9,30.1`);

  // It was too late: from now on it goes on with what there is.
  world.wire.says(resumed("6-0", "30.2", { complete: false }));
  assert.equal(comesBack(world), `${CHAT}?resume=6-0,30.2`);
});

test("only the first `resumed` of a connection is the server's own word; the others are some peer's", () => {
  const world = new World();
  const socket = world.open();
  world.wire.says(resumed("1", "a"));
  world.wire.says(resumed("2", "of-another"));
  assert.equal(socket.resumeToken, "2,a");
});

test("it is the query's only `resume`, and the rest of the URL is as it was", () => {
  const rows = [
    ["/chat", "/chat?resume=1,a"],
    ["/chat?", "/chat?resume=1,a"],
    ["/chat?name=A%20B+C&&x", "/chat?name=A%20B+C&&x&resume=1,a"],
    ["/chat?resume=0,b&name=A", "/chat?name=A&resume=1,a"],
    ["/chat?resume&resume=&resumed=1&presume=2", "/chat?resumed=1&presume=2&resume=1,a"],
    ["ws://example.org:8000?b=resume=1", "?b=resume=1&resume=1,a"],
    ["ws://example.org:8000", "?resume=1,a"],
    ["/a?b?resume=1", "/a?b?resume=1&resume=1,a"],
  ];
  for (const [url, expected] of rows) {
    const world = new World();
    const socket = world.socket(url);
    assert.equal(world.wire.url, socket.url);
    world.wire.opens();
    world.wire.says(resumed("1", "a"));
    const again = `ws://example.org:8000${expected}`;
    assert.equal(comesBack(world), again);
    assert.equal(comesBack(world), again);
    assert.notEqual(socket.url, again, "what the user wrote stays");
  }
});

test("what is no name of a place, or of a connection, is not taken for one", () => {
  const long = "x".repeat(128);
  for (const [at, as, token] of [
    [long, long, `${long},${long}`],
    ["Az09.-", "-", "Az09.-,-"],
    [`${long}x`, "a", undefined],
    ["1", `${long}x`, undefined],
    ["", "a", undefined],
    ["1", "", undefined],
    ["1,2", "a", undefined],
    ["1&x=y", "a", undefined],
    ["1\n", "a", undefined],
    [7, "a", undefined],
    ["1", null, undefined],
  ]) {
    const world = new World();
    const socket = world.open();
    world.wire.says(resumed(at, as));
    assert.equal(socket.resumeToken, token, `${at} ${as}`);
  }
  const world = new World();
  const socket = world.open();
  for (const param of [undefined, null, "a", 1]) world.wire.says({ cmd: "resumed", param, at: "1" });
  assert.equal(socket.resumeToken, undefined);
  world.wire.says(resumed("1", "a"));
  for (const at of ["", "2 ", 2, null, {}]) world.wire.says({ cmd: "say", at });
  assert.equal(socket.resumeToken, "1,a");
});

test("a handler sees the token with its message in it, and loses nothing by throwing", () => {
  const world = new World();
  const socket = world.open();
  const kept = [];
  socket.on("*", ({ text } = {}) => {
    kept.push(socket.resumeToken);
    if (text === "bad") throw new Error("on purpose");
  });
  world.wire.says(resumed("1", "a"));
  world.wire.says({ cmd: "say", param: { text: "bad" }, at: "2" });
  world.wire.says({ cmd: "close-connection", at: "3" });
  assert.deepEqual(kept, ["1,a", "2,a"]);
  assert.equal(socket.resumeToken, "3,a");
  assert.deepEqual(world.of("error"), [["handler", "on purpose"]]);
});

test("what comes after the end is of no connection, and counts for none", () => {
  const world = new World();
  const socket = world.open();
  const [old] = world.sockets;
  old.says(resumed("1", "a"));
  world.page.tell("pagehide", { persisted: true });
  old.says({ cmd: "say", at: "2" });
  assert.equal(socket.resumeToken, "2,a", "it was told, although the page goes");
  world.page.tell("pageshow", { persisted: true });
  old.says({ cmd: "say", at: "3" });
  assert.equal(world.wire.url, `${CHAT}?resume=2,a`);
  assert.equal(socket.resumeToken, "2,a");
  assert.deepEqual(
    world.of("message").map(([{ at }]) => at),
    ["1", "2"],
  );
});

test("resumed is told like any message, and warned of to nobody", () => {
  const world = new World();
  const heard = [];
  const socket = world.connect("/chat");
  world.wire.opens();
  world.wire.says(resumed("1", "a"));
  assert.deepEqual(world.log, []);
  socket.on("resumed", ({ missed, complete }, { at }) => heard.push([missed, complete, at]));
  socket.on("say", ({ text }) => heard.push(text));
  comesBack(world);
  for (const message of [resumed("1", "b", { missed: 1 }), { cmd: "say", param: { text: "hello" }, at: "2" }]) {
    world.wire.says(message);
  }
  comesBack(world);
  world.wire.says(resumed("9", "c", { complete: false }));
  assert.deepEqual(heard, [[1, true, "1"], "hello", [0, false, "9"]]);
});

test("a page begins with the token that it has kept", () => {
  const world = new World();
  const before = world.open();
  world.wire.says(resumed("1", "a"));
  const socket = world.socket("/chat?name=Ada", { resume: before.resumeToken });
  assert.equal(world.wire.url, `${CHAT}?name=Ada&resume=1,a`);
  assert.equal(socket.resumeToken, "1,a");
  assert.equal(socket.url, `${CHAT}?name=Ada`);
  world.wire.opens();
  assert.equal(comesBack(world), `${CHAT}?name=Ada&resume=1,a`, "the server has said nothing of another");
  world.wire.says(resumed("1", "b"));
  assert.equal(socket.resumeToken, "1,b");

  // sessionStorage says null where there is nothing.
  for (const resume of [null, undefined, ""]) {
    world.socket("/chat", { resume });
    assert.equal(world.wire.url, CHAT);
  }
  // Whatever else it may say, the server is asked, so that it can tell what is missing.
  world.socket("/chat", { resume: "a b&c=d#" });
  assert.equal(world.wire.url, `${CHAT}?resume=a%20b%26c%3Dd%23`);
});

test("connect() by hand after the end goes on, too", () => {
  const world = new World();
  const socket = world.open();
  world.wire.says(resumed("1", "a"));
  socket.disconnect();
  world.wire.ends(1000);
  socket.connect();
  assert.equal(world.wire.url, `${CHAT}?resume=1,a`);
});
