/* Sockeye, the browser client. MIT OR Apache-2.0. Built from web/src. */

// src/address.ts
function resolve(url, location) {
  if (/^wss?:/i.test(url)) return url;
  if (/^https?:/i.test(url)) return url.replace(/^http/i, "ws");
  if (!location) throw new TypeError(`there is no page that ${url} could be relative to; write ws://HOST/PATH`);
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  return `${scheme}//${location.host}${url.startsWith("/") ? "" : "/"}${url}`;
}

// src/backoff.ts
var Backoff = class {
  constructor(first, most, stable) {
    this.first = first;
    this.most = most;
    this.stable = stable;
  }
  first;
  most;
  stable;
  #failures = 0;
  /** Attempts since the last stable connection. */
  get failures() {
    return this.#failures;
  }
  /** A connection has ended that was open for so long; 0 if it never was. */
  ended(lived) {
    if (lived >= this.stable) this.#failures = 0;
  }
  /** The next wait, in milliseconds. */
  next(random) {
    const bound = Math.min(this.most, this.first * 2 ** Math.min(this.#failures, 30));
    this.#failures += 1;
    return Math.round(random * bound);
  }
  reset() {
    this.#failures = 0;
  }
};

// src/page.ts
var STAYED = 5e3;
function watch({ page, setTimeout: setTimeout2, clearTimeout: clearTimeout2 }, listener) {
  if (!page) return () => {
  };
  let timer;
  const forget = () => clearTimeout2(timer);
  const heard = {
    beforeunload() {
      listener.onleave(false);
      forget();
      timer = setTimeout2(() => listener.onreturn(), STAYED);
    },
    pagehide(event) {
      forget();
      listener.onleave(event.persisted);
    },
    pageshow(event) {
      if (event.persisted) listener.onreturn();
    },
    online: () => listener.ononline()
  };
  for (const [name, call] of Object.entries(heard)) page.addEventListener(name, call);
  return () => {
    forget();
    for (const [name, call] of Object.entries(heard)) page.removeEventListener(name, call);
  };
}

// src/place.ts
var NAME = /^[0-9a-zA-Z.-]{1,128}$/;
var Place = class {
  constructor(token) {
    this.token = token;
  }
  token;
  /** What the server calls the present connection; undefined until it has said so. */
  #name;
  /** There is a new connection, of which the server has said nothing yet. */
  begins() {
    this.#name = void 0;
  }
  /**
   * A message has come. Before the first `resumed` an `at` is no place, but whatever its sender means by it; and what says
   * `resumed` later was said by another peer.
   */
  heard({ cmd, param, at }) {
    const named = cmd === "resumed" ? param?.as : void 0;
    if (isName(named) && isName(at)) this.#name ??= named;
    if (this.#name !== void 0 && isName(at)) this.token = `${at},${this.#name}`;
  }
};
function isName(value) {
  return typeof value === "string" && NAME.test(value);
}
function resuming(url, token) {
  if (token === void 0) return url;
  const [, base = url, query, fragment = ""] = /^([^?#]*)(?:\?([^#]*))?(#.*)?$/s.exec(url) ?? [];
  const others = query ? query.split("&").filter((pair) => !/^resume(=|$)/.test(pair)) : [];
  const parameter = `resume=${encodeURIComponent(token).replaceAll("%2C", ",")}`;
  return `${base}?${[...others, parameter].join("&")}${fragment}`;
}

// src/queue.ts
var Queue = class {
  constructor(limit) {
    this.limit = limit;
  }
  limit;
  #waiting = [];
  dropped = 0;
  get length() {
    return this.#waiting.length;
  }
  /** Adds one; returns those that had to go for it, the oldest first. */
  push(one) {
    this.#waiting.push(one);
    const gone = this.#waiting.splice(0, Math.max(0, this.#waiting.length - this.limit));
    this.dropped += gone.length;
    return gone;
  }
  /** Nobody waits for the reply to this request any more, so it is not sent later. */
  remove(id) {
    this.#waiting = this.#waiting.filter((one) => one.id !== id);
  }
  takeAll() {
    return this.#waiting.splice(0);
  }
};

// src/requests.ts
var RequestError = class extends Error {
  constructor(why, message, param) {
    super(message);
    this.why = why;
    this.param = param;
  }
  why;
  param;
  name = "RequestError";
};
var Requests = class {
  constructor(time) {
    this.time = time;
  }
  time;
  #pending = /* @__PURE__ */ new Map();
  #last = 0;
  /** A promise for the reply to the request `id`, which `send` sends or queues. */
  make(cmd, timeout, send, expired) {
    const id = ++this.#last;
    return new Promise((resolve2, reject) => {
      const timer = this.time.setTimeout(() => {
        expired(id);
        this.fail(id, new RequestError("timeout", `no reply to ${cmd} within ${timeout} ms`));
      }, timeout);
      this.#pending.set(id, { resolve: resolve2, reject, timer, sent: false });
      try {
        send(id);
      } catch (thrown) {
        this.#take(id);
        reject(thrown);
      }
    });
  }
  sent(id) {
    const pending = this.#pending.get(id);
    if (pending) pending.sent = true;
  }
  fail(id, error) {
    this.#take(id)?.reject(error);
  }
  /** Settles the request that a message answers; false if nothing waits for it. */
  settle(message) {
    const pending = typeof message.re === "number" ? this.#take(message.re) : void 0;
    if (!pending) return false;
    if (message.cmd === "error") {
      const said = message.param?.message;
      pending.reject(new RequestError("refused", typeof said === "string" ? said : "the peer refused", message.param));
    } else {
      pending.resolve(message.param);
    }
    return true;
  }
  /** The connection has ended. What still waits in the queue goes on waiting, unless `all` is lost. */
  closed(cause, all) {
    const lost = [...this.#pending].filter(([, pending]) => all || pending.sent).map(([id]) => id);
    for (const id of lost) this.fail(id, new RequestError("closed", cause));
    return lost;
  }
  #take(id) {
    const pending = this.#pending.get(id);
    if (!pending) return void 0;
    this.#pending.delete(id);
    this.time.clearTimeout(pending.timer);
    return pending;
  }
};

// src/surroundings.ts
function surroundings(given = {}) {
  const page = typeof window === "undefined" ? void 0 : window;
  return {
    WebSocket: globalThis.WebSocket,
    now: () => Date.now(),
    random: () => Math.random(),
    setTimeout: (call, milliseconds) => setTimeout(call, milliseconds),
    clearTimeout: (timer) => clearTimeout(timer),
    location: page?.location,
    page,
    console,
    ...given
  };
}
function line(text2) {
  return text2.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ");
}

// src/socket.ts
var FINAL_CODES = [1008, 4001, 4004];
var FAREWELL = 500;
var OPEN = 1;
function connect(url, options = {}) {
  const { debug = false, onopen, onmessage, onerror } = options;
  const page = options.surroundings?.location ?? globalThis.location;
  return new Socket(debug, onopen, onmessage, onerror, url ?? page?.pathname ?? "/", options);
}
var Socket = class {
  /**
   * Throws a TypeError where there is no page and the URL is only a path. A URL that WebSocket does not take is told
   * to `onError`, and is not tried again.
   */
  constructor(debug = false, onOpen, onMessage, onError, url = "/connect", options = {}) {
    this.debug = debug;
    this.onopen = onOpen;
    this.onmessage = onMessage;
    this.onerror = onError;
    this.onclose = options.onclose;
    this.ondata = options.ondata;
    this.ondrop = options.ondrop;
    this.#options = options;
    this.#around = surroundings(options.surroundings);
    this.url = resolve(url, this.#around.location);
    const { firstDelay = 1e3, maxDelay = 3e4, stableAfter = 1e4, queueLimit = 100 } = options;
    this.#backoff = new Backoff(firstDelay, maxDelay, stableAfter);
    this.#queue = new Queue(queueLimit);
    this.#requests = new Requests(this.#around);
    this.#place = new Place(options.resume || void 0);
    this.#dial();
    this.onstate = options.onstate;
  }
  debug;
  /** Where it connects to; once it resumes, with the parameter `resume` besides. */
  url;
  onopen;
  onmessage;
  onerror;
  onclose;
  onstate;
  ondata;
  ondrop;
  #options;
  #around;
  #backoff;
  #queue;
  #requests;
  #place;
  #handlers = /* @__PURE__ */ new Map();
  #rooms = /* @__PURE__ */ new Set();
  #state = { name: "connecting", attempt: 1 };
  #socket;
  #openedAt;
  #timer;
  /** The user wants a connection. */
  #wanted = true;
  /** The page goes, and nothing is to be opened. */
  #leaving = false;
  #unwatch;
  /** What it does now. `onstate` is told of each change, but not of the first state. */
  get state() {
    return this.#state;
  }
  /** Messages that wait for a connection. */
  get queued() {
    return this.#queue.length;
  }
  /** Messages that were dropped because too many waited, since the beginning. */
  get dropped() {
    return this.#queue.dropped;
  }
  /** The rooms that it joined, and joins again with each new connection. */
  get rooms() {
    return [...this.#rooms];
  }
  /** The subprotocol that the server chose, or an empty string. */
  get protocol() {
    return this.#socket?.protocol ?? "";
  }
  /**
   * Where it is in what the server keeps: with the last message that was handed over, that one included. Each new
   * connection goes on there, and so does another socket that is given it as the option `resume`. Undefined while the
   * server has not said that it keeps anything.
   */
  get resumeToken() {
    return this.#place.token;
  }
  // What the user says.
  /** Sends a message, or has it wait. Returns whether it was sent. Throws what JSON.stringify throws. */
  send(message) {
    return this.#transmit({ data: JSON.stringify(message) });
  }
  emit(cmd, param, channel) {
    return this.send({ channel, cmd, param });
  }
  /** Sends what is no message: text or bytes as they are. */
  write(data) {
    return this.#transmit({ data });
  }
  /**
   * Sends a message that asks for a reply; the promise is for the reply's `param`. It is rejected with a RequestError
   * when the time is over, the peer answers with an error, or the connection it was sent by ends.
   */
  request(cmd, param, { timeout = 5e3, channel } = {}) {
    const send = (id) => void this.#transmit({ data: JSON.stringify({ channel, cmd, param, id }), id });
    return this.#requests.make(cmd, timeout, send, (id) => this.#queue.remove(id));
  }
  /** Answers a message that has an `id`. */
  reply(to, param) {
    return this.#transmit({ data: JSON.stringify({ cmd: "reply", re: to.id, param }) });
  }
  /** Asks the server for a room, now and after each time that the connection was lost. */
  join(room) {
    this.#rooms.add(room);
    if (this.#isOpen()) this.emit("join-room", { room });
  }
  leave(room) {
    const joined = this.#rooms.delete(room);
    if (this.#isOpen() || !joined) this.emit("leave-room", { room });
  }
  /** Has messages with this `cmd` handed over; `"*"` is all of them. */
  on(cmd, handler) {
    const handlers = this.#handlers.get(cmd) ?? /* @__PURE__ */ new Set();
    this.#handlers.set(cmd, handlers.add(handler));
    return this;
  }
  /** Without a handler, all of that `cmd` go. */
  off(cmd, handler) {
    const handlers = this.#handlers.get(cmd);
    if (handler) handlers?.delete(handler);
    if (!handler || handlers?.size === 0) this.#handlers.delete(cmd);
    return this;
  }
  /** Connects now: at once where it waits for the next attempt, again where it was closed. */
  connect() {
    this.#wanted = true;
    this.#stopTimer();
    if (this.#socket) return;
    if (this.#state.name === "closed") this.#backoff.reset();
    this.#dial();
  }
  /** Closes the connection and opens no other. Throws for codes that pages cannot send: 1000 and 3000-4999 they can. */
  disconnect(code = 1e3, reason = "") {
    this.#socket?.close(code, reason);
    this.#wanted = false;
    this.#stopTimer();
    if (!this.#socket && this.#unwatch) this.#finish({ code, reason, wasClean: false });
  }
  // What happens to it.
  #dial() {
    this.#stopTimer();
    this.#unwatch ??= watch(this.#around, {
      onleave: (kept) => this.#leave(kept),
      onreturn: () => this.#return(),
      ononline: () => this.#state.name === "waiting" && this.connect()
    });
    this.#become({ name: "connecting", attempt: this.#backoff.failures + 1 });
    const { WebSocket } = this.#around;
    const { protocols, binaryType = "blob" } = this.#options;
    this.#place.begins();
    try {
      const url = resuming(this.url, this.#place.token);
      this.#log(`connecting to ${url}`);
      const socket = protocols ? new WebSocket(url, protocols) : new WebSocket(url);
      this.#listen(socket, binaryType);
    } catch (cause) {
      this.#timer = this.#around.setTimeout(() => {
        this.#fail("socket", text(cause));
        this.#wanted = false;
        this.#ended({ code: 1006, reason: "", wasClean: false });
      }, 0);
    }
  }
  #listen(socket, binaryType) {
    this.#socket = socket;
    socket.binaryType = binaryType;
    socket.onopen = () => this.#opened();
    socket.onmessage = ({ data }) => this.#received(data);
    socket.onerror = () => this.#fail("socket", `the connection to ${this.url} ${this.#wasOpen ? "broke" : "failed"}`);
    socket.onclose = ({ code, reason, wasClean }) => this.#ended({ code, reason, wasClean });
  }
  #opened() {
    this.#openedAt = this.#around.now();
    for (const room of this.#rooms) this.emit("join-room", { room });
    for (const waiting of this.#queue.takeAll()) this.#transmit(waiting);
    this.#become({ name: "open" });
    this.#call(() => this.onopen?.());
  }
  #received(data) {
    if (typeof data !== "string" || this.#options.format === "text") {
      if (this.ondata) this.#call(() => this.ondata?.(data));
      else this.#warn("nobody handles what is no message");
      return;
    }
    this.#log(`received ${data}`);
    const message = parse(data);
    if (message) this.#dispatch(message);
    else this.#fail("socket", `invalid message payload: ${data}`);
  }
  #dispatch(message) {
    const { cmd, param, re } = message;
    this.#place.heard(message);
    if (re !== void 0 && re !== null) {
      if (!this.#requests.settle(message)) this.#log(`nobody waits for the reply to ${re}`);
      return;
    }
    if (cmd === "close-connection") return this.#farewell();
    const handlers = [...this.#handlers.get(cmd ?? "") ?? [], ...this.#handlers.get("*") ?? []];
    for (const handler of handlers) this.#call(() => handler(param, message));
    if (this.onmessage) this.#call(() => this.onmessage?.(message));
    else if (handlers.length === 0 && cmd !== "resumed") this.#warn(`unhandled websocket command [${cmd}]`);
  }
  /** The server wants this connection to end, and no other in its place. */
  #farewell() {
    this.#wanted = false;
    this.#stopTimer();
    this.#timer = this.#around.setTimeout(() => this.disconnect(), FAREWELL);
  }
  #ended(closed) {
    this.#socket = void 0;
    this.#stopTimer();
    const lived = this.#openedAt === void 0 ? 0 : this.#around.now() - this.#openedAt;
    this.#openedAt = void 0;
    this.#backoff.ended(lived);
    this.#log(`closed with ${closed.code} ${closed.reason}`);
    this.#requests.closed(`the connection ended with ${closed.code}`, false);
    this.#call(() => this.onclose?.(closed));
    if (this.#socket) return;
    if (!this.#wanted || !this.#mayReturn(closed)) this.#finish(closed);
    else if (this.#leaving) this.#become({ name: "closed", closed });
    else this.#wait();
  }
  #mayReturn(closed) {
    return !FINAL_CODES.includes(closed.code) && (this.#options.reconnect?.(closed) ?? true);
  }
  #wait() {
    const delay = this.#backoff.next(this.#around.random());
    const { failures } = this.#backoff;
    this.#timer = this.#around.setTimeout(() => this.#dial(), delay);
    this.#become({ name: "waiting", attempt: failures + 1, at: this.#around.now() + delay });
  }
  #finish(closed) {
    this.#wanted = false;
    this.#unwatch?.();
    this.#unwatch = void 0;
    const lost = this.#requests.closed("the socket was closed", true);
    for (const id of lost) this.#queue.remove(id);
    this.#become({ name: "closed", closed });
  }
  #leave(kept) {
    this.#leaving = true;
    this.#stopTimer();
    if (kept) this.#socket?.close();
  }
  /** The page stays after all, or was kept and is shown again. */
  #return() {
    this.#leaving = false;
    if (!this.#wanted || this.#socket && this.#socket.readyState <= OPEN) return;
    if (this.#socket) this.#abandon(this.#socket);
    this.connect();
  }
  #abandon(socket) {
    socket.onopen = socket.onmessage = socket.onerror = socket.onclose = null;
    this.#ended({ code: 1006, reason: "", wasClean: false });
  }
  // Small things.
  #transmit(waiting) {
    if (this.#isOpen()) {
      if (typeof waiting.data === "string") this.#log(`sending ${waiting.data}`);
      this.#socket?.send(waiting.data);
      if (waiting.id !== void 0) this.#requests.sent(waiting.id);
      return true;
    }
    for (const gone of this.#queue.push(waiting)) {
      if (gone.id !== void 0) this.#requests.fail(gone.id, new RequestError("dropped", "too many messages wait"));
      this.#call(() => this.ondrop?.(gone.data));
    }
    return false;
  }
  // Between `close` and its end, a WebSocket swallows what it is sent.
  #isOpen() {
    return this.#socket?.readyState === OPEN;
  }
  get #wasOpen() {
    return this.#openedAt !== void 0;
  }
  #stopTimer() {
    this.#around.clearTimeout(this.#timer);
    this.#timer = void 0;
  }
  #become(state) {
    this.#state = state;
    this.#call(() => this.onstate?.(state));
  }
  /** Whatever a callback throws, the others are called, and the connection goes on. */
  #call(callback) {
    try {
      callback();
    } catch (thrown) {
      this.#fail("handler", text(thrown));
    }
  }
  #fail(source, cause) {
    if (!this.onerror) return this.#warn(`${source}: ${cause}`);
    this.#log(`${source}: ${cause}`);
    try {
      this.onerror(source, cause);
    } catch (thrown) {
      this.#warn(`onerror: ${text(thrown)}`);
    }
  }
  #log(what) {
    if (this.debug) this.#around.console.debug(line(`[socket] ${what}`));
  }
  #warn(what) {
    this.#around.console.warn(line(`[socket] ${what}`));
  }
};
function parse(data) {
  try {
    const value = JSON.parse(data);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : void 0;
  } catch {
    return void 0;
  }
}
function text(thrown) {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
export {
  RequestError,
  Socket,
  connect
};
