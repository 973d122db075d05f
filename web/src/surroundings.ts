// The page that the client runs in, or Node. Not here: what is done with it.

import type { Surroundings } from "./types";

export function surroundings(given: Partial<Surroundings> = {}): Surroundings {
  const page = typeof window === "undefined" ? undefined : window;
  return {
    WebSocket: globalThis.WebSocket,
    now: () => Date.now(),
    random: () => Math.random(),
    setTimeout: (call, milliseconds) => setTimeout(call, milliseconds),
    clearTimeout: (timer) => clearTimeout(timer as number),
    location: page?.location,
    page,
    console,
    ...given,
  };
}

/** A line for a log: whatever a peer wrote, it stays one line, and no terminal obeys it. */
export function line(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ");
}
