/* Sockeye, the browser client. MIT OR Apache-2.0. Built from web/src. */

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
export type State = {
    name: "connecting";
    attempt: number;
} | {
    name: "open";
}
/** There is no connection; the next attempt is made at `at`, in milliseconds since 1970. */
 | {
    name: "waiting";
    attempt: number;
    at: number;
}
/** There is no connection, and there will be none unless `connect()` is called. */
 | {
    name: "closed";
    closed: Closed;
};
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
    location: {
        protocol: string;
        host: string;
        pathname: string;
    } | undefined;
    /** What tells that the page goes, returns or is online again; undefined outside of pages. */
    page: Pick<EventTarget, "addEventListener" | "removeEventListener"> | undefined;
    console: {
        debug(text: string): void;
        warn(text: string): void;
    };
}

/** Why a request has no result. `param` is what the peer said, if it was the peer that said no. */
export declare class RequestError extends Error {
    readonly why: "timeout" | "refused" | "closed" | "dropped";
    readonly param?: unknown;
    readonly name = "RequestError";
    constructor(why: "timeout" | "refused" | "closed" | "dropped", message: string, param?: unknown);
}

/**
 * Connects, by default to the page's own address: host and path, `ws:` or `wss:` as the page is `http:` or `https:`.
 * Throws a TypeError where there is no page and the URL is only a path.
 */
export declare function connect(url?: string, options?: Options): Socket;
/**
 * A connection that is opened at once, and again when it is lost, until `disconnect` is called or the server says that
 * it is pointless. What is sent meanwhile waits, in order.
 */
export declare class Socket {
    #private;
    readonly debug: boolean;
    /** Where it connects to; once it resumes, with the parameter `resume` besides. */
    readonly url: string;
    onopen: (() => void) | undefined;
    onmessage: ((message: Message) => void) | undefined;
    onerror: ((source: string, cause: string) => void) | undefined;
    onclose: ((closed: Closed) => void) | undefined;
    onstate: ((state: State) => void) | undefined;
    ondata: ((data: Data) => void) | undefined;
    ondrop: ((data: unknown) => void) | undefined;
    /**
     * Throws a TypeError where there is no page and the URL is only a path. A URL that WebSocket does not take is told
     * to `onError`, and is not tried again.
     */
    constructor(debug?: boolean, onOpen?: () => void, onMessage?: (message: Message) => void, onError?: (source: string, cause: string) => void, url?: string, options?: Options);
    /** What it does now. `onstate` is told of each change, but not of the first state. */
    get state(): State;
    /** Messages that wait for a connection. */
    get queued(): number;
    /** Messages that were dropped because too many waited, since the beginning. */
    get dropped(): number;
    /** The rooms that it joined, and joins again with each new connection. */
    get rooms(): string[];
    /** The subprotocol that the server chose, or an empty string. */
    get protocol(): string;
    /**
     * Where it is in what the server keeps: with the last message that was handed over, that one included. Each new
     * connection goes on there, and so does another socket that is given it as the option `resume`. Undefined while the
     * server has not said that it keeps anything.
     */
    get resumeToken(): string | undefined;
    /** Sends a message, or has it wait. Returns whether it was sent. Throws what JSON.stringify throws. */
    send(message: Outgoing): boolean;
    emit(cmd: string, param?: unknown, channel?: string): boolean;
    /** Sends what is no message: text or bytes as they are. */
    write(data: string | Blob | BufferSource): boolean;
    /**
     * Sends a message that asks for a reply; the promise is for the reply's `param`. It is rejected with a RequestError
     * when the time is over, the peer answers with an error, or the connection it was sent by ends.
     */
    request(cmd: string, param?: unknown, { timeout, channel }?: RequestOptions): Promise<any>;
    /** Answers a message that has an `id`. */
    reply(to: Message, param?: unknown): boolean;
    /** Asks the server for a room, now and after each time that the connection was lost. */
    join(room: string): void;
    leave(room: string): void;
    /** Has messages with this `cmd` handed over; `"*"` is all of them. */
    on(cmd: string, handler: Handler): this;
    /** Without a handler, all of that `cmd` go. */
    off(cmd: string, handler?: Handler): this;
    /** Connects now: at once where it waits for the next attempt, again where it was closed. */
    connect(): void;
    /** Closes the connection and opens no other. Throws for codes that pages cannot send: 1000 and 3000-4999 they can. */
    disconnect(code?: number, reason?: string): void;
}
