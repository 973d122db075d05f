// The form that sends to connections. Not here: the connection that it is sent by.

import type { Socket } from "../src/socket";
import { byId, make, setText } from "./dom";
import { count } from "./format";
import type { RoomRow, Snapshot } from "./snapshot";

const field = (name: string) => byId<HTMLInputElement>(`send-${name}`);
const value = (name: string) => field(name).value.trim();

export class SendForm {
  #snapshot: Snapshot | undefined;

  constructor(private readonly socket: () => Socket | undefined) {
    for (const name of ["to", "kind"]) field(name).addEventListener("change", () => this.#fit());
    byId("send-form").addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#send();
    });
    this.#fit();
  }

  /** Has the fields suggest what there is. */
  know(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
    suggest(
      "known-rooms",
      snapshot.rooms.map(({ name }) => name),
    );
    suggest("known-paths", [
      ...snapshot.connections.map(({ path }) => path),
      ...snapshot.rooms.map(({ route }) => route),
    ]);
  }

  fill({ name, route }: RoomRow): void {
    field("to").value = "room";
    field("room").value = name;
    field("path").value = route;
    this.#fit();
    byId("send-form").scrollIntoView({ block: "center" });
    field(value("kind") === "text" ? "text" : "cmd").focus();
  }

  /** Shows the fields that what is chosen needs, and no others. */
  #fit(): void {
    const chosen = [value("to"), value("kind")];
    for (const one of document.querySelectorAll<HTMLElement>("#send-form [data-for]")) {
      const needed = one.dataset.for!.split(" ").some((name) => chosen.includes(name));
      one.hidden = !needed;
      const input = one.querySelector<HTMLInputElement>("input, textarea")!;
      input.required = needed && input.id !== "send-param";
    }
  }

  async #send(): Promise<void> {
    const socket = this.socket();
    const result = byId("send-result");
    try {
      const what = value("kind") === "text" ? { text: field("text").value } : { cmd: value("cmd"), ...param() };
      const reply = await socket?.request("send", { to: this.#to(), ...what });
      const queued = Number(reply?.queued ?? 0);
      result.className = "";
      setText(result, `sent message, to ${count(queued)} ${queued === 1 ? "connection" : "connections"}`);
    } catch (error) {
      result.className = "bad";
      setText(result, (error as Error).message);
    }
  }

  #to(): object {
    switch (value("to")) {
      case "id":
        return { id: this.#id(value("id")) };
      case "room":
        return { room: value("room"), path: value("path") };
      case "path":
        return { path: value("path") };
      default:
        return { all: true };
    }
  }

  /** As the server wrote it, a number or a string. */
  #id(typed: string): number | string {
    const known = this.#snapshot?.connections.find(({ id }) => String(id) === typed);
    return known?.id ?? (/^\d{1,15}$/.test(typed) ? Number(typed) : typed);
  }
}

function param(): { param?: unknown } {
  const text = value("param");
  if (text === "") return {};
  try {
    return { param: JSON.parse(text) };
  } catch (error) {
    throw new Error(`The param is not JSON: ${(error as Error).message}`);
  }
}

function suggest(id: string, names: string[]): void {
  const distinct = [...new Set(names)].slice(0, 100);
  const list = byId(id);
  // Replaced each second, an open list of suggestions would flicker.
  if (JSON.stringify(distinct) === list.dataset.told) return;
  list.dataset.told = JSON.stringify(distinct);
  list.replaceChildren(
    ...distinct.map((name) => {
      const option = make("option");
      option.value = name;
      return option;
    }),
  );
}
