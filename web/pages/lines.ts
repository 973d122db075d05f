// The list of messages. Not here: the connection; and where a line of the user's own stands in its life, which is the
// outbox's affair.

import { byId, make } from "./dom";
import { hue } from "./identity";

/** As many as anybody scrolls back; a page that is open for a week stays small. */
const KEPT = 500;
/** Lines of one user that are closer than this stand under one name. */
const TOGETHER = 5 * 60_000;
/** So close to the end, the reader is taken to be at the end. */
const NEAR = 60;

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

export interface Said {
  user: string;
  text: string;
  time: number;
  mine: boolean;
}

export class Lines {
  readonly #list = byId("messages");
  readonly #scroller = byId("scroller");
  readonly #newer = byId("newer");
  readonly #facts = new WeakMap<Element, Said>();

  /** The reader is at the end, and stays there. */
  #following = true;

  constructor() {
    this.#scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#newer.addEventListener("click", () => this.#toEnd());
    // A line grows by what becomes of it, and the keyboard of a phone takes away half of the page.
    const sizes = new ResizeObserver(() => this.#following && this.#toEnd());
    sizes.observe(this.#scroller);
    sizes.observe(this.#list);
  }

  /** Adds what somebody said; returns the line. */
  add(said: Said): HTMLDivElement {
    const line = make("div");
    this.put(line, said);
    return line;
  }

  /** Has a line say this, as the newest one. */
  put(line: HTMLDivElement, said: Said): void {
    const { user, text, time, mine } = said;
    line.remove();
    this.#facts.set(line, said);
    line.className = `line ${mine ? "mine" : hue(user)}`;
    const avatar = make("span", "avatar", [...user][0]?.toUpperCase() ?? "?");
    avatar.ariaHidden = "true";
    const who = make("bdi", "who", user);
    const when = make("time", "when", clock.format(time));
    when.dateTime = new Date(time).toISOString();
    when.title = full.format(time);
    const words = make("p", "text", text);
    words.dir = "auto";
    line.replaceChildren(avatar, make("div", "head", who, when), words);
    this.#append(line);
  }

  /** A line that nobody said: somebody came or went. */
  note(text: string, kind = ""): void {
    this.#append(make("div", `note ${kind}`.trimEnd(), text));
  }

  clear(): void {
    this.#list.replaceChildren();
    this.#newer.hidden = true;
    byId("empty").hidden = false;
  }

  #append(line: HTMLElement): void {
    const follow = this.#following || line.classList.contains("mine");
    byId("empty").hidden = true;
    this.#list.append(line);
    while (this.#list.childElementCount > KEPT) this.#list.firstElementChild?.remove();
    this.#group(line);
    if (follow) this.#toEnd();
    else this.#newer.hidden = false;
  }

  #group(line: HTMLElement): void {
    const before = line.previousElementSibling;
    const [said, last] = [this.#facts.get(line), before ? this.#facts.get(before) : undefined];
    const same = said && last && said.user === last.user && said.mine === last.mine && said.time - last.time < TOGETHER;
    line.classList.toggle("same", same === true);
  }

  #scrolled(): void {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    this.#following = scrollHeight - scrollTop - clientHeight < NEAR;
    if (this.#following) this.#newer.hidden = true;
  }

  #toEnd(): void {
    this.#following = true;
    this.#newer.hidden = true;
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }
}
