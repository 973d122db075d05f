// What the cases are made of: a connection that can be awaited, what tells the expected from the seen, and messages.

export class Connection {
  // Open, or an error that says how the attempt ended.
  static open(client, protocols = []) {
    return new Connection(new client.WebSocket(client.url, protocols)).afterOpening();
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

  async afterOpening() {
    await this.opened;
    return this;
  }

  // What `options` say is only heard by `ws`.
  send(data, options) {
    this.socket.send(data, options);
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

export function shown(end) {
  return JSON.stringify(end);
}

// What it came to: `ok`, or how it `failed`; late is failed.
export async function outcome(running, seconds) {
  const late = after(seconds).then(() => {
    throw new Error(`expected an end, saw none within ${seconds} s`);
  });
  late.catch(() => {});
  try {
    await Promise.race([running, late]);
    return { ok: true };
  } catch (error) {
    return { failed: error.message };
  }
}

export function after(seconds) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, seconds * 1000);
    timer.unref?.(); // Node would wait for it before it ends
  });
}

// Bytes without a pattern, the same each time.
export function noise(length, seed = 1) {
  const bytes = new Uint8Array(length);
  const random = generator(seed);
  for (let i = 0; i < length; i++) bytes[i] = random(256);
  return bytes.buffer;
}

// Numbers below a limit.
export function generator(seed) {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0; // a linear congruential generator; its high bits are good
    return Math.floor((state >>> 8) / 2 ** 24 * limit);
  };
}

// At least so many bytes of text, with characters of one to four bytes.
export function words(bytes) {
  const word = "žluťoučký kůň 𝄞 日 ";
  return word.repeat(Math.ceil(bytes / new TextEncoder().encode(word).length));
}
