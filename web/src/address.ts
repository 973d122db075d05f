// Where a socket connects to. Not here: whether that is a good URL; WebSocket itself says so.

import type { Surroundings } from "./types";

/**
 * The URL for what a user wrote: `ws:` and `wss:` as they are, `http:` and `https:` as their counterparts, and anything
 * else as a path on the page's own host. A path cannot lead to another host: `//other/` is one on this host.
 */
export function resolve(url: string, location: Surroundings["location"]): string {
  if (/^wss?:/i.test(url)) return url;
  if (/^https?:/i.test(url)) return url.replace(/^http/i, "ws");
  if (!location) throw new TypeError(`there is no page that ${url} could be relative to; write ws://HOST/PATH`);
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  return `${scheme}//${location.host}${url.startsWith("/") ? "" : "/"}${url}`;
}
