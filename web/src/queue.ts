// What waits for a connection, in order. Not here: sending it.

export type Payload = string | Blob | BufferSource;

export interface Waiting {
  data: Payload;
  /** The request that it is, if it is one. */
  id?: number;
}

export class Queue {
  #waiting: Waiting[] = [];
  dropped = 0;

  constructor(private readonly limit: number) {}

  get length(): number {
    return this.#waiting.length;
  }

  /** Adds one; returns those that had to go for it, the oldest first. */
  push(one: Waiting): Waiting[] {
    this.#waiting.push(one);
    const gone = this.#waiting.splice(0, Math.max(0, this.#waiting.length - this.limit));
    this.dropped += gone.length;
    return gone;
  }

  /** Nobody waits for the reply to this request any more, so it is not sent later. */
  remove(id: number): void {
    this.#waiting = this.#waiting.filter((one) => one.id !== id);
  }

  takeAll(): Waiting[] {
    return this.#waiting.splice(0);
  }
}
