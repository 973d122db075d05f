// The cases, in the API that browsers and npm's `ws` share, and the reporting of what came of them.
//
// Not here: what only one of the two can do (ws.mjs, page.html); the same cases for Python (websockets_client.py).

import { Connection, after, expect, noise, outcome, same, shown, words } from "./checks.mjs";
import { converse } from "./conversation.mjs";

const MIB = 1 << 20;

// The server pings a silent peer after 20 s and drops it 10 s later if no pong has come.
const IDLE_SECONDS = 45;

const CASE_SECONDS = 120;

function echo(message) {
  return async (client) => {
    const connection = await Connection.open(client);
    connection.send(message);
    same(message, await connection.next());
    await connection.close();
  };
}

const CASES = {
  "text": echo("hello"),
  "text, not ASCII": echo("žluťoučký kůň, 日本語, 𝄞 and 👩‍🚀"),
  "binary": echo(noise(256)),
  "empty text": echo(""),
  "empty binary": echo(new ArrayBuffer(0)),
  "1 MiB text": echo(words(MIB)),
  "16 MiB binary": echo(noise(16 * MIB)),

  "1000 in a burst, in order": async (client) => {
    const connection = await Connection.open(client);
    for (let i = 0; i < 1000; i++) connection.send(String(i));
    for (let i = 0; i < 1000; i++) same(String(i), await connection.next());
    await connection.close();
  },

  "two connections do not mix": async (client) => {
    const both = await Promise.all([Connection.open(client), Connection.open(client)]);
    for (let i = 0; i < 100; i++) both.forEach((connection, which) => connection.send(`${which}: ${i}`));
    for (let i = 0; i < 100; i++) {
      for (const [which, connection] of both.entries()) same(`${which}: ${i}`, await connection.next());
    }
    await Promise.all(both.map((connection) => connection.close()));
  },

  "the first subprotocol": async (client) => {
    const offering = await Connection.open(client, ["v2.chat", "v1.chat"]);
    expect("subprotocol v2.chat", `subprotocol ${offering.socket.protocol}`);
    const plain = await Connection.open(client);
    expect("no subprotocol", plain.socket.protocol || "no subprotocol");
    await Promise.all([offering.close(), plain.close()]);
  },

  "close 4000 with a reason, clean": async (client) => {
    const connection = await Connection.open(client);
    await connection.close(4000, "that is all, děkuji");
  },

  "the server's ping is answered": async (client) => {
    // Nothing tells a page of a ping. But silence without a pong would have ended the connection by now.
    const passed = (performance.now() - client.idleSince) / 1000;
    const end = await Promise.race([client.idle.closed, after(IDLE_SECONDS - passed)]);
    expect(`open after ${IDLE_SECONDS} s`, end ? `closed: ${shown(end)}` : `open after ${IDLE_SECONDS} s`);
    client.idle.send("still here");
    same("still here", await client.idle.next());
    await client.idle.close();
  },

  "SIGTERM says 1001": async (client) => {
    const connection = await Connection.open(client);
    await client.tell("stop");
    const { code, reason, wasClean } = await connection.closed;
    expect(shown({ code: 1001, reason: "some", wasClean: true }), shown({ code, reason: reason && "some", wasClean }));
  },

  "refused when it is gone": async (client) => {
    await client.tell("gone");
    const connection = new Connection(new client.WebSocket(client.url));
    expect("refused", await connection.opened.then(() => "open", () => "refused"));
    expect(shown({ code: 1006, reason: "", wasClean: false }), shown(await connection.closed));
  },
};

// Runs all conversations and cases. `client` has the WebSocket class; `offering` and more, for conversation.mjs; and
// `runner`, the address that has the plan and is told of the results. `more` are cases of its own, or strings that say
// why a case cannot be.
export async function runAll(client, more) {
  const plan = await (await fetch(`${client.runner}/plan`)).json();
  client.url = plan.url;
  client.tell = (what, body = {}) =>
    fetch(`${client.runner}/${what}`, { method: "POST", body: JSON.stringify(body) });
  client.idleSince = performance.now();
  try {
    client.idle = await Connection.open(client);
    for (const [number, task] of plan.conversations.entries()) {
      await client.tell("conversation", { number, ...(await converse(client, task)) });
    }
    // The ones of its own first: the last ones end the server.
    for (const [name, run] of Object.entries({ ...more, ...CASES })) {
      const came = typeof run === "string" ? { cannot: run } : await outcome(run(client), CASE_SECONDS);
      await client.tell("result", { case: name, ...came });
    }
  } catch (error) {
    await client.tell("trouble", { said: error.message });
  }
  await client.tell("done");
}
