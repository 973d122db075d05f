// What the cases are made of: a connection that can be awaited, what tells the expected from the seen, and messages.

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
