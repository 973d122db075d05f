// The browser client: a WebSocket that comes back, with what it had to say. Not here: pages; and any other transport,
// for there is no polling to fall back to.

import { resolve } from "./address";
import { Backoff } from "./backoff";
import { watch } from "./page";
import { Place, resuming } from "./place";
import { Queue, type Payload, type Waiting } from "./queue";
import { RequestError, Requests } from "./requests";
import { line, surroundings } from "./surroundings";
import type {
  Closed,
  Data,
  Handler,
  Message,
  Options,
  Outgoing,
  RequestOptions,
  Resumed,
  State,
  Surroundings,
} from "./types";

export { RequestError };
export type { Closed, Data, Handler, Message, Options, Outgoing, RequestOptions, Resumed, State, Surroundings };

/** After these close codes the next attempt would end the same way: policy, not authorized, not found. */
const FINAL_CODES = [1008, 4001, 4004];
/** How long a socket that is told to close itself still hears what was sent before. */
const FAREWELL = 500;
const OPEN = 1;

/**
 * Connects, by default to the page's own address: host and path, `ws:` or `wss:` as the page is `http:` or `https:`.
 * Throws a TypeError where there is no page and the URL is only a path.
 */
export function connect(url?: string, options: Options = {}): Socket {
  const { debug = false, onopen, onmessage, onerror } = options;
  const page = options.surroundings?.location ?? globalThis.location;
  return new Socket(debug, onopen, onmessage, onerror, url ?? page?.pathname ?? "/", options);
}

/**
 * A connection that is opened at once, and again when it is lost, until `disconnect` is called or the server says that
 * it is pointless. What is sent meanwhile waits, in order.
 */
export class Socket {
  /** Where it connects to; once it resumes, with the parameter `resume` besides. */
  readonly url: string;
  onopen: (() => void) | undefined;
  onmessage: ((message: Message) => void) | undefined;
  onerror: ((source: string, cause: string) => void) | undefined;
  onclose: ((closed: Closed) => void) | undefined;
  onstate: ((state: State) => void) | undefined;
  ondata: ((data: Data) => void) | undefined;
  ondrop: ((data: unknown) => void) | undefined;

  readonly #options: Options;
  readonly #around: Surroundings;
  readonly #backoff: Backoff;
  readonly #queue: Queue;
  readonly #requests: Requests;
  readonly #place: Place;
  readonly #handlers = new Map<string, Set<Handler>>();
  readonly #rooms = new Set<string>();
  #state: State = { name: "connecting", attempt: 1 };
  #socket: WebSocket | undefined;
  #openedAt: number | undefined;
  #timer: unknown;
  /** The user wants a connection. */
  #wanted = true;
  /** The page goes, and nothing is to be opened. */
  #leaving = false;
  #unwatch: (() => void) | undefined;

  /**
   * Throws a TypeError where there is no page and the URL is only a path. A URL that WebSocket does not take is told
   * to `onError`, and is not tried again.
   */
  constructor(
    readonly debug = false,
    onOpen?: () => void,
    onMessage?: (message: Message) => void,
    onError?: (source: string, cause: string) => void,
    url = "/connect",
    options: Options = {},
  ) {
    this.onopen = onOpen;
    this.onmessage = onMessage;
    this.onerror = onError;
    this.onclose = options.onclose;
    this.ondata = options.ondata;
    this.ondrop = options.ondrop;
    this.#options = options;
    this.#around = surroundings(options.surroundings);
    this.url = resolve(url, this.#around.location);
    const { firstDelay = 1_000, maxDelay = 30_000, stableAfter = 10_000, queueLimit = 100 } = options;
    this.#backoff = new Backoff(firstDelay, maxDelay, stableAfter);
    this.#queue = new Queue(queueLimit);
    this.#requests = new Requests(this.#around);
    this.#place = new Place(options.resume || undefined);
    this.#dial();
    // Only now: nobody has the socket yet that its first state would be about.
    this.onstate = options.onstate;
  }

  /** What it does now. `onstate` is told of each change, but not of the first state. */
  get state(): State {
    return this.#state;
  }

  /** Messages that wait for a connection. */
  get queued(): number {
    return this.#queue.length;
  }

  /** Messages that were dropped because too many waited, since the beginning. */
  get dropped(): number {
    return this.#queue.dropped;
  }

  /** The rooms that it joined, and joins again with each new connection. */
  get rooms(): string[] {
    return [...this.#rooms];
  }

  /** The subprotocol that the server chose, or an empty string. */
  get protocol(): string {
    return this.#socket?.protocol ?? "";
  }

  /**
   * Where it is in what the server keeps: with the last message that was handed over, that one included. Each new
   * connection goes on there, and so does another socket that is given it as the option `resume`. Undefined while the
   * server has not said that it keeps anything.
   */
  get resumeToken(): string | undefined {
    return this.#place.token;
  }

  // What the user says.

  /** Sends a message, or has it wait. Returns whether it was sent. Throws what JSON.stringify throws. */
  send(message: Outgoing): boolean {
    return this.#transmit({ data: JSON.stringify(message) });
  }

  emit(cmd: string, param?: unknown, channel?: string): boolean {
    return this.send({ channel, cmd, param });
  }

  /** Sends what is no message: text or bytes as they are. */
  write(data: Payload): boolean {
    return this.#transmit({ data });
  }

  /**
   * Sends a message that asks for a reply; the promise is for the reply's `param`. It is rejected with a RequestError
   * when the time is over, the peer answers with an error, or the connection it was sent by ends.
   */
  request(cmd: string, param?: unknown, { timeout = 5_000, channel }: RequestOptions = {}): Promise<any> {
    const send = (id: number) => void this.#transmit({ data: JSON.stringify({ channel, cmd, param, id }), id });
    return this.#requests.make(cmd, timeout, send, (id) => this.#queue.remove(id));
  }

  /** Answers a message that has an `id`. */
  reply(to: Message, param?: unknown): boolean {
    return this.#transmit({ data: JSON.stringify({ cmd: "reply", re: to.id, param }) });
  }

  /** Asks the server for a room, now and after each time that the connection was lost. */
  join(room: string): void {
    this.#rooms.add(room);
    // While there is no connection nothing has to wait: the rooms come first when there is one.
    if (this.#isOpen()) this.emit("join-room", { room });
  }

  leave(room: string): void {
    const joined = this.#rooms.delete(room);
    if (this.#isOpen() || !joined) this.emit("leave-room", { room });
  }

  /** Has messages with this `cmd` handed over; `"*"` is all of them. */
  on(cmd: string, handler: Handler): this {
    const handlers = this.#handlers.get(cmd) ?? new Set();
    this.#handlers.set(cmd, handlers.add(handler));
    return this;
  }

  /** Without a handler, all of that `cmd` go. */
  off(cmd: string, handler?: Handler): this {
    const handlers = this.#handlers.get(cmd);
    if (handler) handlers?.delete(handler);
    if (!handler || handlers?.size === 0) this.#handlers.delete(cmd);
    return this;
  }

  /** Connects now: at once where it waits for the next attempt, again where it was closed. */
  connect(): void {
    this.#wanted = true;
    this.#stopTimer();
    if (this.#socket) return;
    if (this.#state.name === "closed") this.#backoff.reset();
    this.#dial();
  }

  /** Closes the connection and opens no other. Throws for codes that pages cannot send: 1000 and 3000-4999 they can. */
  disconnect(code = 1000, reason = ""): void {
    this.#socket?.close(code, reason);
    this.#wanted = false;
    this.#stopTimer();
    if (!this.#socket && this.#unwatch) this.#finish({ code, reason, wasClean: false });
  }

  // What happens to it.

  #dial(): void {
    this.#stopTimer();
    this.#unwatch ??= watch(this.#around, {
      onleave: (kept) => this.#leave(kept),
      onreturn: () => this.#return(),
      ononline: () => this.#state.name === "waiting" && this.connect(),
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
      // Later, or the constructor would call back before its user has the socket.
      this.#timer = this.#around.setTimeout(() => {
        this.#fail("socket", text(cause));
        this.#wanted = false;
        this.#ended({ code: 1006, reason: "", wasClean: false });
      }, 0);
    }
  }

  #listen(socket: WebSocket, binaryType: BinaryType): void {
    this.#socket = socket;
    socket.binaryType = binaryType;
    socket.onopen = () => this.#opened();
    socket.onmessage = ({ data }) => this.#received(data);
    socket.onerror = () => this.#fail("socket", `the connection to ${this.url} ${this.#wasOpen ? "broke" : "failed"}`);
    socket.onclose = ({ code, reason, wasClean }) => this.#ended({ code, reason, wasClean });
  }

  #opened(): void {
    this.#openedAt = this.#around.now();
    for (const room of this.#rooms) this.emit("join-room", { room });
    for (const waiting of this.#queue.takeAll()) this.#transmit(waiting);
    this.#become({ name: "open" });
    this.#call(() => this.onopen?.());
  }

  #received(data: Data): void {
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

  #dispatch(message: Message): void {
    const { cmd, param, re } = message;
    // First, so that a handler can keep the token together with what it was told, and may throw.
    this.#place.heard(message);
    if (re !== undefined && re !== null) {
      if (!this.#requests.settle(message)) this.#log(`nobody waits for the reply to ${re}`);
      return;
    }
    if (cmd === "close-connection") return this.#farewell();
    const handlers = [...(this.#handlers.get(cmd ?? "") ?? []), ...(this.#handlers.get("*") ?? [])];
    for (const handler of handlers) this.#call(() => handler(param, message));
    if (this.onmessage) this.#call(() => this.onmessage?.(message));
    else if (handlers.length === 0 && cmd !== "resumed") this.#warn(`unhandled websocket command [${cmd}]`);
  }

  /** The server wants this connection to end, and no other in its place. */
  #farewell(): void {
    this.#wanted = false;
    this.#stopTimer();
    this.#timer = this.#around.setTimeout(() => this.disconnect(), FAREWELL);
  }

  #ended(closed: Closed): void {
    this.#socket = undefined;
    this.#stopTimer();
    const lived = this.#openedAt === undefined ? 0 : this.#around.now() - this.#openedAt;
    this.#openedAt = undefined;
    this.#backoff.ended(lived);
    this.#log(`closed with ${closed.code} ${closed.reason}`);
    this.#requests.closed(`the connection ended with ${closed.code}`, false);
    this.#call(() => this.onclose?.(closed));
    // What was called may have opened another one.
    if (this.#socket) return;
    if (!this.#wanted || !this.#mayReturn(closed)) this.#finish(closed);
    else if (this.#leaving) this.#become({ name: "closed", closed });
    else this.#wait();
  }

  #mayReturn(closed: Closed): boolean {
    return !FINAL_CODES.includes(closed.code) && (this.#options.reconnect?.(closed) ?? true);
  }

  #wait(): void {
    const delay = this.#backoff.next(this.#around.random());
    const { failures } = this.#backoff;
    this.#timer = this.#around.setTimeout(() => this.#dial(), delay);
    this.#become({ name: "waiting", attempt: failures + 1, at: this.#around.now() + delay });
  }

  #finish(closed: Closed): void {
    this.#wanted = false;
    this.#unwatch?.();
    this.#unwatch = undefined;
    const lost = this.#requests.closed("the socket was closed", true);
    for (const id of lost) this.#queue.remove(id);
    this.#become({ name: "closed", closed });
  }

  #leave(kept: boolean): void {
    this.#leaving = true;
    this.#stopTimer();
    // A page with an open connection may not be kept; one that goes for good is closed with 1001 by the browser.
    if (kept) this.#socket?.close();
  }

  /** The page stays after all, or was kept and is shown again. */
  #return(): void {
    this.#leaving = false;
    if (!this.#wanted || (this.#socket && this.#socket.readyState <= OPEN)) return;
    // It was closed when the page left; that it has ended may be told much later, or never.
    if (this.#socket) this.#abandon(this.#socket);
    this.connect();
  }

  #abandon(socket: WebSocket): void {
    socket.onopen = socket.onmessage = socket.onerror = socket.onclose = null;
    this.#ended({ code: 1006, reason: "", wasClean: false });
  }

  // Small things.

  #transmit(waiting: Waiting): boolean {
    if (this.#isOpen()) {
      if (typeof waiting.data === "string") this.#log(`sending ${waiting.data}`);
      this.#socket?.send(waiting.data as string);
      if (waiting.id !== undefined) this.#requests.sent(waiting.id);
      return true;
    }
    for (const gone of this.#queue.push(waiting)) {
      if (gone.id !== undefined) this.#requests.fail(gone.id, new RequestError("dropped", "too many messages wait"));
      this.#call(() => this.ondrop?.(gone.data));
    }
    return false;
  }

  // Between `close` and its end, a WebSocket swallows what it is sent.
  #isOpen(): boolean {
    return this.#socket?.readyState === OPEN;
  }

  get #wasOpen(): boolean {
    return this.#openedAt !== undefined;
  }

  #stopTimer(): void {
    this.#around.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #become(state: State): void {
    this.#state = state;
    this.#call(() => this.onstate?.(state));
  }

  /** Whatever a callback throws, the others are called, and the connection goes on. */
  #call(callback: () => void): void {
    try {
      callback();
    } catch (thrown) {
      this.#fail("handler", text(thrown));
    }
  }

  #fail(source: string, cause: string): void {
    if (!this.onerror) return this.#warn(`${source}: ${cause}`);
    this.#log(`${source}: ${cause}`);
    try {
      this.onerror(source, cause);
    } catch (thrown) {
      this.#warn(`onerror: ${text(thrown)}`);
    }
  }

  #log(what: string): void {
    if (this.debug) this.#around.console.debug(line(`[socket] ${what}`));
  }

  #warn(what: string): void {
    this.#around.console.warn(line(`[socket] ${what}`));
  }
}

function parse(data: string): Message | undefined {
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Message) : undefined;
  } catch {
    return undefined;
  }
}

function text(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
