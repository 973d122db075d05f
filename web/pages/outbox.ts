// The user's own lines until the server has repeated them: until then nobody knows whether the others see them.
// Not here: the queue; the client has it.

import type { Outgoing, Socket } from "../src/socket";
import { make } from "./dom";
import type { Lines } from "./lines";

interface Own {
  line: HTMLDivElement;
  text: string;
  /** It was handed to a connection. */
  sent: boolean;
}

export class Outbox {
  #waiting: Own[] = [];
  /** What was sent by a connection that is lost, and of which nothing has been heard since. */
  #doubtful: Own[] = [];

  constructor(
    private readonly lines: Lines,
    private readonly socket: () => Socket,
  ) {}

  say(text: string, user: string): void {
    const line = this.lines.add({ user, text, time: Date.now(), mine: true });
    this.#send({ line, text, sent: false });
  }

  /**
   * The server told everybody what `user` said; true if it is a line of ours, which is confirmed by that: one that waits for
   * it, or one that a lost connection has left in doubt.
   */
  confirm(text: string, user: string, time: number): boolean {
    const own = taken(this.#waiting, text) ?? taken(this.#doubtful, text);
    // Where others see it: after all that was said before it.
    if (own) this.lines.put(own.line, { user, text, time, mine: true });
    return own !== undefined;
  }

  /** What waited left by the connection that has just been opened. */
  opened(): void {
    for (const own of this.#waiting) own.sent = true;
  }

  /** What was sent and not repeated is in doubt. */
  closed(): void {
    for (const own of this.#waiting.filter(({ sent }) => sent)) {
      this.#doubt(own, "Maybe not delivered");
      this.#doubtful.push(own);
    }
    this.#waiting = this.#waiting.filter(({ sent }) => !sent);
  }

  /** Too many waited, and this is the oldest. */
  dropped(data: unknown): void {
    const { param } = JSON.parse(String(data)) as Outgoing;
    const text = (param as { text?: string } | undefined)?.text;
    const index = this.#waiting.findIndex((own) => !own.sent && own.text === text);
    const [own] = index < 0 ? [] : this.#waiting.splice(index, 1);
    if (own) this.#doubt(own, "Not sent");
  }

  clear(): void {
    this.#waiting = [];
    this.#doubtful = [];
  }

  #send(own: Own): void {
    this.#waiting.push(own);
    own.sent = this.socket().emit("chat", { text: own.text });
    own.line.classList.add("pending");
    if (!own.sent) this.#mark(own, "Waits for the connection");
  }

  #doubt(own: Own, why: string): void {
    const again = make("button", "link", "Send again");
    again.type = "button";
    again.addEventListener("click", () => {
      own.line.classList.remove("doubtful");
      own.line.querySelector(".fate")?.remove();
      this.#doubtful = this.#doubtful.filter((other) => other !== own);
      this.#send(own);
    });
    own.line.classList.remove("pending");
    own.line.classList.add("doubtful");
    this.#mark(own, why, again);
  }

  #mark({ line }: Own, ...content: (Node | string)[]): void {
    line.querySelector(".fate")?.remove();
    line.append(make("p", "fate", ...content));
  }
}

/** Takes the first with this text out of the list. */
function taken(owns: Own[], text: string): Own | undefined {
  const index = owns.findIndex((own) => own.text === text);
  return index < 0 ? undefined : owns.splice(index, 1)[0];
}
