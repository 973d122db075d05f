// What the tap shows. Not here: losing frames; the server does, and says how many.

import type { Socket } from "../src/socket";
import { byId, make, setText } from "./dom";
import { bytes, count, timeOfDay } from "./format";
import type { Id } from "./snapshot";

/** More than anybody reads, and few enough for a phone. */
const KEPT = 500;
const NEAR = 40;
const ARROWS: Record<string, string> = { in: "→", out: "←" };

interface Tapped {
  time: number;
  /** Absent from what is said to several; `to` says to whom. */
  id?: Id | null;
  to?: string;
  path: string;
  dir: string;
  kind: string;
  bytes: number;
  text: string;
}

export class Tap {
  on = false;
  #waiting: HTMLElement[] = [];
  #seen = 0;
  #lost = 0;
  readonly #list = byId("tap");
  readonly #filter = byId<HTMLInputElement>("tap-filter");

  constructor(private readonly socket: () => Socket | undefined) {
    byId("tap-toggle").addEventListener("click", () => this.#toggle());
    byId("tap-clear").addEventListener("click", () => this.clear());
    this.#filter.addEventListener("input", () => {
      for (const line of this.#list.children) this.#sift(line as HTMLElement);
    });
    this.clear();
  }

  /** A new connection knows of no tap. */
  opened(): void {
    if (this.on) this.socket()?.emit("tap", { on: true });
  }

  add(tapped: Tapped): void {
    if (!this.on) return;
    this.#seen += 1;
    this.#push(line(tapped));
  }

  lost(howMany: number): void {
    this.#lost += howMany;
    this.#push(make("div", "lost", `${count(howMany)} lost here`));
  }

  clear(): void {
    this.#waiting = [];
    this.#seen = 0;
    this.#lost = 0;
    this.#list.replaceChildren();
    this.#tell();
  }

  #toggle(): void {
    this.on = !this.on;
    this.socket()?.emit("tap", { on: this.on });
    const button = byId("tap-toggle");
    setText(button, this.on ? "Stop" : "Start");
    button.setAttribute("aria-pressed", String(this.on));
    byId("tap-hint").hidden = true;
  }

  /** Thousands may come in a second; the document changes as often as the screen does. */
  #push(added: HTMLElement): void {
    this.#sift(added);
    if (this.#waiting.length === 0) requestAnimationFrame(() => this.#draw());
    this.#waiting.push(added);
    if (this.#waiting.length > KEPT) this.#waiting.shift();
  }

  #draw(): void {
    const { scrollHeight, scrollTop, clientHeight } = this.#list;
    const follow = scrollHeight - scrollTop - clientHeight < NEAR;
    this.#list.append(...this.#waiting.splice(0));
    while (this.#list.childElementCount > KEPT) this.#list.firstElementChild?.remove();
    if (follow) this.#list.scrollTop = this.#list.scrollHeight;
    this.#tell();
  }

  #sift(one: HTMLElement): void {
    const wanted = this.#filter.value.trim().toLowerCase();
    one.hidden = wanted !== "" && !one.classList.contains("lost") && !one.textContent!.toLowerCase().includes(wanted);
  }

  #tell(): void {
    setText(
      byId("tap-count"),
      this.#seen + this.#lost === 0 ? "" : `${count(this.#seen)} seen, ${count(this.#lost)} lost`,
    );
  }
}

function line({ time, id, to, path, dir, kind, bytes: size, text }: Tapped): HTMLElement {
  const arrow = make("span", "dir", ARROWS[dir] ?? "·");
  arrow.title = dir === "in" ? "from the client" : "to the client";
  const what = kind === "text" ? bytes(size) : `${kind} ${bytes(size)}`;
  const facts = [
    make("span", "time", timeOfDay(time)),
    arrow,
    make("span", "id", String(id ?? to ?? "")),
    make("span", "path", path),
    make("span", "size", what),
  ];
  return make("div", `tapped ${dir === "in" ? "in" : "out"}`, ...facts, make("span", "said", text ?? ""));
}
