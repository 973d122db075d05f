// A clock that stands until it is told to go on, a WebSocket that does what a test says, and a page.

import { Socket, connect } from "../../dist/sockeye.js";

export class Clock {
  time = 1_700_000_000_000;
  #timers = new Map();
  #last = 0;

  now = () => this.time;
  setTimeout = (call, milliseconds) => {
    this.#timers.set(++this.#last, { at: this.time + milliseconds, call });
    return this.#last;
  };
  clearTimeout = (timer) => this.#timers.delete(timer);

  get pending() {
    return this.#timers.size;
  }

  /** Lets time pass, calling what is due in the order in which it is. */
  pass(milliseconds) {
    const end = this.time + milliseconds;
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= end).sort((a, b) => a[1].at - b[1].at || a[0] - b[0]);
      if (due.length === 0) break;
      const [id, { at, call }] = due[0];
      this.#timers.delete(id);
      this.time = Math.max(this.time, at);
      call();
    }
    this.time = end;
  }
}

/** What a browser's WebSocket does, as far as the client sees it. */
class FakeWebSocket {
  readyState = 0;
  protocol = "";
  binaryType = "blob";
  sent = [];
  closedWith = undefined;

  constructor(url, protocols) {
    if (url.includes("#")) throw new SyntaxError("The URL contains a fragment identifier");
    Object.assign(this, { url, protocols });
  }

  send(data) {
    if (this.readyState === 0) throw new Error("InvalidStateError: still connecting");
    // Browsers swallow what is sent after `close`.
    if (this.readyState === 1) this.sent.push(data);
  }

  close(code, reason) {
    if (code !== undefined && code !== 1000 && !(code >= 3000 && code < 5000)) throw new Error("InvalidAccessError");
    this.closedWith ??= { code, reason };
    if (this.readyState < 2) this.readyState = 2;
  }

  // What the peer does.

  opens(protocol = "") {
    this.protocol = protocol;
    this.readyState = 1;
    this.onopen?.({});
  }

  says(message) {
    this.onmessage?.({
      data: typeof message === "object" && message.constructor === Object ? JSON.stringify(message) : message,
    });
  }

  /** As browsers do it: an end without a close frame is an error first. */
  ends(code = 1006, reason = "", wasClean = code !== 1006) {
    this.readyState = 3;
    if (code === 1006) this.onerror?.({});
    this.onclose?.({ code, reason, wasClean });
  }

  get messages() {
    return this.sent.map((text) => JSON.parse(text));
  }
}

export class Page extends EventTarget {
  listeners = 0;

  addEventListener(...listener) {
    this.listeners += 1;
    super.addEventListener(...listener);
  }

  removeEventListener(...listener) {
    this.listeners -= 1;
    super.removeEventListener(...listener);
  }

  tell(name, properties = {}) {
    this.dispatchEvent(Object.assign(new Event(name), properties));
  }
}

/** One client with everything around it. `random` is 1 (never drawn, but the bound itself) unless a test says more. */
export class World {
  clock = new Clock();
  page = new Page();
  random = 1;
  sockets = [];
  log = [];
  /** All that the client's user was told, in order. */
  told = [];

  get around() {
    const world = this;
    return {
      WebSocket: class extends FakeWebSocket {
        constructor(url, protocols) {
          super(url, protocols);
          world.sockets.push(this);
        }
      },
      now: this.clock.now,
      setTimeout: this.clock.setTimeout,
      clearTimeout: this.clock.clearTimeout,
      random: () => this.random,
      location: this.location ?? { protocol: "http:", host: "example.org:8000", pathname: "/some/page" },
      page: this.page,
      console: { debug: (text) => this.log.push(text), warn: (text) => this.log.push(`WARN ${text}`) },
    };
  }

  /** The newest WebSocket. */
  get wire() {
    return this.sockets.at(-1);
  }

  get callbacks() {
    return {
      onclose: ({ code, reason, wasClean }) => this.told.push(["close", code, reason, wasClean]),
      onstate: (state) => this.told.push(["state", state.name]),
      ondata: (data) => this.told.push(["data", data]),
      ondrop: (data) => this.told.push(["drop", JSON.parse(data)]),
    };
  }

  socket(url, options = {}, debug = false) {
    return new Socket(
      debug,
      () => this.told.push(["open"]),
      (message) => this.told.push(["message", message]),
      (source, cause) => this.told.push(["error", source, cause]),
      url,
      { ...this.callbacks, surroundings: this.around, ...options },
    );
  }

  /** A socket that is open, and nothing told yet. */
  open(options, debug) {
    const socket = this.socket("/chat", options, debug);
    this.wire.opens();
    this.told.length = 0;
    return socket;
  }

  connect(url, options = {}) {
    return connect(url, { ...this.callbacks, surroundings: this.around, ...options });
  }

  of(kind) {
    return this.told.filter(([name]) => name === kind).map(([, ...rest]) => rest);
  }
}
