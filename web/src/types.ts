// What the client's user says and is told. Not here: anything that does something.

/**
 * A message as it arrives: any JSON object. Sockeye's envelope has the fields that are named here; other services may
 * send others.
 */
export interface Message {
  channel?: string;
  cmd?: string;
  param?: unknown;
  from?: string;
  /** It asks for a reply, which carries the same number in `re`: see `Socket.reply`. */
  id?: number;
  /** It answers the request of that number. */
  re?: number;
  /** Where it is in what the server keeps, if it is kept: see `Socket.resumeToken`. */
  at?: string;
  [field: string]: unknown;
}

/** A message to be sent. What is `undefined` is left out. */
export interface Outgoing {
  channel?: string | undefined;
  cmd: string;
  param?: unknown;
}

/** What a frame carries that is no message: text if `format` is `"text"`, and everything binary. */
export type Data = string | Blob | ArrayBuffer;

/** How a connection ended: what the browser's CloseEvent says. 1006 is one that ended without a close frame. */
export interface Closed {
  code: number;
  reason: string;
  wasClean: boolean;
}

/**
 * The `param` of `resumed`, which a server that keeps messages says once on each connection: a new one, or one that goes on
 * where the last one was.
 */
export interface Resumed {
  /** So many messages were said meanwhile; they follow at once, in order. */
  missed: number;
  /** False: it was too late. What was missed is not known any more, and does not follow. */
  complete: boolean;
}

/** What a socket does now. */
export type State =
  | { name: "connecting"; attempt: number }
  | { name: "open" }
  /** There is no connection; the next attempt is made at `at`, in milliseconds since 1970. */
  | { name: "waiting"; attempt: number; at: number }
  /** There is no connection, and there will be none unless `connect()` is called. */
  | { name: "closed"; closed: Closed };

export type Handler = (param: any, message: Message) => void;

/** All of it is optional. Times are in milliseconds. */
export interface Options {
  onopen?: () => void;
  onmessage?: (message: Message) => void;
  /** `source` is `"socket"`, or `"handler"` for what a callback threw. The connection goes on where it can. */
  onerror?: (source: string, cause: string) => void;
  /** Called once for each attempt that ended, opened or not. */
  onclose?: (closed: Closed) => void;
  /** Called whenever `state` changed. */
  onstate?: (state: State) => void;
  /** What arrives and is no message. */
  ondata?: (data: Data) => void;
  /** What was dropped from the queue, as it would have been sent. */
  ondrop?: (data: unknown) => void;
  /** Write what happens to the console. Default: false. */
  debug?: boolean;
  /** `"text"` hands text over as it is, by `ondata`. Default: `"json"`. */
  format?: "json" | "text";
  /** What binary frames arrive as. Default: `"blob"`. */
  binaryType?: "blob" | "arraybuffer";
  /** Subprotocols to offer, the preferred one first. */
  protocols?: string[];
  /** Whether to connect again after this end. Default: always, except after 1008, 4001 and 4004. */
  reconnect?: (closed: Closed) => boolean;
  /** The most that the first attempt after a loss waits. It doubles with each further one. Default: 1 000. */
  firstDelay?: number;
  /** The most that any attempt waits. Default: 30 000. */
  maxDelay?: number;
  /** A connection that lived for so long has the next wait begin at `firstDelay` again. Default: 10 000. */
  stableAfter?: number;
  /** How many messages wait while there is no connection; beyond that the oldest are dropped. Default: 100. */
  queueLimit?: number;
  /** Begin where another socket was: its `resumeToken`, which the page has kept. Default, and if empty: where things are now. */
  resume?: string | null | undefined;
  /** What the client takes from where it runs; tests give their own. */
  surroundings?: Partial<Surroundings>;
}

export interface RequestOptions {
  /** Default: 5 000 ms. */
  timeout?: number;
  channel?: string;
}

/** What the client needs of a page, or of whatever it runs in. */
export interface Surroundings {
  WebSocket: new (url: string, protocols?: string[]) => WebSocket;
  /** Milliseconds since 1970. */
  now(): number;
  /** At least 0, less than 1. */
  random(): number;
  setTimeout(call: () => void, milliseconds: number): unknown;
  clearTimeout(timer: unknown): void;
  /** Where the page comes from; undefined outside of pages. */
  location: { protocol: string; host: string; pathname: string } | undefined;
  /** What tells that the page goes, returns or is online again; undefined outside of pages. */
  page: Pick<EventTarget, "addEventListener" | "removeEventListener"> | undefined;
  console: { debug(text: string): void; warn(text: string): void };
}
