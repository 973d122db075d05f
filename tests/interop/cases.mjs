// The cases, in the API that browsers and npm's `ws` share, and the reporting of what came of them.
//
// Not here: what only one of the two can do (ws.mjs, page.html); the same cases for Python (websockets_client.py).

const MIB = 1 << 20;

// The server pings a silent peer after 20 s and drops it 10 s later if no pong has come.
const IDLE_SECONDS = 32;

const CASE_SECONDS = 45;

export class Connection {
  // Open, or an error that says how the attempt ended.
  static open(client, protocols = []) {
    const connection = new Connection(new client.WebSocket(client.url, protocols));
    return connection.opened.then(() => connection);
  }

  constructor(socket) {
    this.socket = socket;
    this.arrived = [];
    this.wanted = [];
    this.closed = new Promise((resolve) => {
      socket.onclose = ({ code, reason, wasClean }) => resolve({ code, reason, wasClean });
    });
    this.opened = new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = ({ message }) => reject(new Error(`no connection: ${message ?? "the page is not told why"}`));
      this.closed.then((end) => reject(new Error(`closed: ${shown(end)}`)));
    });
    this.opened.catch(() => {}); // whoever opened it hears of it
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => {
      this.arrived.push(data);
      this.wanted.shift()?.();
    };
  }

  send(data) {
    this.socket.send(data);
  }

  async next() {
    if (this.arrived.length === 0) {
      const end = await Promise.race([new Promise((resolve) => this.wanted.push(resolve)), this.closed]);
      expect("a message", end ? `closed: ${shown(end)}` : "a message");
    }
    return this.arrived.shift();
  }

  async close(code = 1000, reason = "") {
    this.socket.close(code, reason);
    const end = await this.closed;
    // The answer repeats the code and leaves the reason out (RFC 6455 section 5.5.1 speaks of the code alone).
    expect(shown({ code, reason: "", wasClean: true }), shown(end));
    expect(0, this.arrived.length);
  }
}

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

// Runs all cases. `client` has the WebSocket class, the server's `url`, and `runner`, the address that is told of the
// results; `more` are cases of its own, or strings that say why a case cannot be.
export async function runAll(client, more) {
  client.tell = (what, body = {}) =>
    fetch(`${client.runner}/${what}`, { method: "POST", body: JSON.stringify(body) });
  client.idleSince = performance.now();
  try {
    client.idle = await Connection.open(client);
    // The ones of its own first: the last ones end the server.
    for (const [name, run] of Object.entries({ ...more, ...CASES })) {
      await client.tell("result", { case: name, ...(await outcome(run, client)) });
    }
  } catch (error) {
    await client.tell("trouble", { said: error.message });
  }
  await client.tell("done");
}

async function outcome(run, client) {
  if (typeof run === "string") return { cannot: run };
  const late = after(CASE_SECONDS).then(() => {
    throw new Error(`expected an end, saw none within ${CASE_SECONDS} s`);
  });
  late.catch(() => {});
  try {
    await Promise.race([run(client), late]);
    return { ok: true };
  } catch (error) {
    return { failed: error.message };
  }
}

export function expect(expected, seen) {
  if (expected !== seen) throw new Error(`expected ${expected}, saw ${seen}`);
}

// The same kind with the same content; a large one is not shown, only where it differs.
export function same(expected, seen) {
  expect(kind(expected), kind(seen));
  if (typeof expected === "string" && expected.length <= 40) return expect(expected, seen);
  const items = (data) => (typeof data === "string" ? data : new Uint8Array(data));
  const [left, right] = [items(expected), items(seen)];
  for (let i = 0; i < left.length; i++) {
    if (left[i] !== right[i]) throw new Error(`expected ${left[i]} at ${i} of ${left.length}, saw ${right[i]}`);
  }
}

function kind(data) {
  return typeof data === "string" ? `text of ${data.length}` : `binary of ${data.byteLength}`;
}

function shown(end) {
  return JSON.stringify(end);
}

export function after(seconds) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, seconds * 1000);
    timer.unref?.(); // Node would wait for it before it ends
  });
}

// Bytes without a pattern, the same each time.
export function noise(length) {
  const bytes = new Uint8Array(length);
  let state = 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0; // a linear congruential generator; its high bits are good
    bytes[i] = state >>> 24;
  }
  return bytes.buffer;
}

// At least so many bytes of text, with characters of one to four bytes.
export function words(bytes) {
  const word = "žluťoučký kůň 𝄞 日 ";
  return word.repeat(Math.ceil(bytes / new TextEncoder().encode(word).length));
}
