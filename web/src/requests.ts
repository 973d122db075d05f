// Requests that wait for their replies. Not here: how they are sent.

import type { Message, Surroundings } from "./types";

/** Why a request has no result. `param` is what the peer said, if it was the peer that said no. */
export class RequestError extends Error {
  override readonly name = "RequestError";

  constructor(
    readonly why: "timeout" | "refused" | "closed" | "dropped",
    message: string,
    readonly param?: unknown,
  ) {
    super(message);
  }
}

interface Pending {
  resolve(param: unknown): void;
  reject(error: RequestError): void;
  timer: unknown;
  /** It left by the connection there is now, and ends with it. */
  sent: boolean;
}

export class Requests {
  readonly #pending = new Map<number, Pending>();
  #last = 0;

  constructor(private readonly time: Pick<Surroundings, "setTimeout" | "clearTimeout">) {}

  /** A promise for the reply to the request `id`, which `send` sends or queues. */
  make(cmd: string, timeout: number, send: (id: number) => void, expired: (id: number) => void): Promise<any> {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      const timer = this.time.setTimeout(() => {
        expired(id);
        this.fail(id, new RequestError("timeout", `no reply to ${cmd} within ${timeout} ms`));
      }, timeout);
      this.#pending.set(id, { resolve, reject, timer, sent: false });
      try {
        send(id);
      } catch (thrown) {
        this.#take(id);
        reject(thrown);
      }
    });
  }

  sent(id: number): void {
    const pending = this.#pending.get(id);
    if (pending) pending.sent = true;
  }

  fail(id: number, error: RequestError): void {
    this.#take(id)?.reject(error);
  }

  /** Settles the request that a message answers; false if nothing waits for it. */
  settle(message: Message): boolean {
    const pending = typeof message.re === "number" ? this.#take(message.re) : undefined;
    if (!pending) return false;
    if (message.cmd === "error") {
      const said = (message.param as { message?: unknown } | null | undefined)?.message;
      pending.reject(new RequestError("refused", typeof said === "string" ? said : "the peer refused", message.param));
    } else {
      pending.resolve(message.param);
    }
    return true;
  }

  /** The connection has ended. What still waits in the queue goes on waiting, unless `all` is lost. */
  closed(cause: string, all: boolean): number[] {
    const lost = [...this.#pending].filter(([, pending]) => all || pending.sent).map(([id]) => id);
    for (const id of lost) this.fail(id, new RequestError("closed", cause));
    return lost;
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    if (!pending) return undefined;
    this.#pending.delete(id);
    this.time.clearTimeout(pending.timer);
    return pending;
  }
}
