// Where a socket is in what its server keeps, so that the next connection goes on there. Not here: connecting.

import type { Message } from "./types";

/** What a place or a connection is called by a server that keeps messages. What is called otherwise is something else. */
const NAME = /^[0-9a-zA-Z.-]{1,128}$/;

export class Place {
  /** What the server calls the present connection; undefined until it has said so. */
  #name: string | undefined;

  constructor(public token: string | undefined) {}

  /** There is a new connection, of which the server has said nothing yet. */
  begins(): void {
    this.#name = undefined;
  }

  /**
   * A message has come. Before the first `resumed` an `at` is no place, but whatever its sender means by it; and what says
   * `resumed` later was said by another peer.
   */
  heard({ cmd, param, at }: Message): void {
    const named = cmd === "resumed" ? (param as { as?: unknown } | null | undefined)?.as : undefined;
    if (isName(named) && isName(at)) this.#name ??= named;
    if (this.#name !== undefined && isName(at)) this.token = `${at},${this.#name}`;
  }
}

function isName(value: unknown): value is string {
  return typeof value === "string" && NAME.test(value);
}

/** The URL of a connection that goes on at `token`: it is the query's one `resume`. */
export function resuming(url: string, token: string | undefined): string {
  if (token === undefined) return url;
  const [, base = url, query, fragment = ""] = /^([^?#]*)(?:\?([^#]*))?(#.*)?$/s.exec(url) ?? [];
  const others = query ? query.split("&").filter((pair) => !/^resume(=|$)/.test(pair)) : [];
  // Whatever a page has kept: whether it is a token is for the server to say, and that something was missed if it is none.
  const parameter = `resume=${encodeURIComponent(token).replaceAll("%2C", ",")}`;
  return `${base}?${[...others, parameter].join("&")}${fragment}`;
}
