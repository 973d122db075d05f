// Where a socket connects to.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Socket, connect } from "../dist/sockeye.js";
import { World } from "./support/fakes.mjs";

const at = (protocol) => ({ protocol, host: "example.org:8000", pathname: "/some/page" });

test("B3.18 the constructor's shape: /connect by default, ws or wss by the page, a leading / added", () => {
  const rows = [
    ["http:", undefined, "ws://example.org:8000/connect"],
    ["https:", undefined, "wss://example.org:8000/connect"],
    ["http:", "chat", "ws://example.org:8000/chat"],
    ["https:", "/chat?name=x", "wss://example.org:8000/chat?name=x"],
    ["https:", "ws://other.example/x", "ws://other.example/x"],
    ["http:", "wss://other.example/x", "wss://other.example/x"],
    ["http:", "https://other.example/x", "wss://other.example/x"],
    ["http:", "http://other.example/x", "ws://other.example/x"],
    ["http:", "//evil.example/x", "ws://example.org:8000//evil.example/x"],
    ["http:", "", "ws://example.org:8000/"],
  ];
  for (const [protocol, url, expected] of rows) {
    const world = new World();
    world.location = at(protocol);
    const socket = world.socket(url);
    assert.equal(world.wire.url, expected);
    assert.equal(socket.url, expected);
    assert.equal(socket.debug, false);
    assert.deepEqual(world.told, [], "the constructor calls nobody back");
  }
});

test("B2.9 connect() goes to the page's own address, connect(url) to another", () => {
  const world = new World();
  world.location = at("https:");
  world.connect();
  assert.equal(world.wire.url, "wss://example.org:8000/some/page");
  world.connect("chat/lobby");
  assert.equal(world.wire.url, "wss://example.org:8000/chat/lobby");
  world.connect("ws://192.0.2.1:9001/");
  assert.equal(world.wire.url, "ws://192.0.2.1:9001/");
});

test("B1.3 nothing is offered that was not asked for", () => {
  const world = new World();
  world.socket("ws://localhost:3000");
  assert.equal(world.wire.url, "ws://localhost:3000");
  assert.equal(world.wire.protocols, undefined);
  const socket = world.socket("/admin/socket", { protocols: ["sockeye.admin", "token.x"] });
  assert.deepEqual(world.wire.protocols, ["sockeye.admin", "token.x"]);
  world.wire.opens("sockeye.admin");
  assert.equal(socket.protocol, "sockeye.admin");
});

test("without a page, a path is an error that says what to write", () => {
  const surroundings = { ...new World().around, location: undefined };
  const said = { name: "TypeError", message: /ws:\/\/HOST\/PATH/ };
  assert.throws(() => connect(undefined, { surroundings }), said);
  assert.throws(() => new Socket(false, undefined, undefined, undefined, "/chat", { surroundings }), said);
});

test("B4.2 a URL that WebSocket refuses is told once, after the constructor, and not tried again", () => {
  const world = new World();
  const socket = world.socket("/chat#fragment");
  assert.deepEqual(world.told, []);
  world.clock.pass(120_000);
  assert.deepEqual(world.told, [
    ["error", "socket", "The URL contains a fragment identifier"],
    ["close", 1006, "", false],
    ["state", "closed"],
  ]);
  assert.equal(socket.state.name, "closed");
});
