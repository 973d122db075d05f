// Whether the page goes, stays after all, or comes back. Not here: what a socket does about it.

import type { Surroundings } from "./types";

/** A page that is still there so long after `beforeunload` did not go: its user stayed, or it was a download. */
const STAYED = 5_000;

export interface Listener {
  /** The page goes. `kept` says that the browser may keep it, and show it again as it was. */
  onleave(kept: boolean): void;
  onreturn(): void;
  ononline(): void;
}

/** Listens until the function that it returns is called. */
export function watch({ page, setTimeout, clearTimeout }: Surroundings, listener: Listener): () => void {
  if (!page) return () => {};
  let timer: unknown;
  const forget = () => clearTimeout(timer);
  const heard: Record<string, (event: Event) => void> = {
    beforeunload() {
      listener.onleave(false);
      forget();
      timer = setTimeout(() => listener.onreturn(), STAYED);
    },
    pagehide(event) {
      forget();
      listener.onleave((event as PageTransitionEvent).persisted);
    },
    pageshow(event) {
      if ((event as PageTransitionEvent).persisted) listener.onreturn();
    },
    online: () => listener.ononline(),
  };
  for (const [name, call] of Object.entries(heard)) page.addEventListener(name, call);
  return () => {
    forget();
    for (const [name, call] of Object.entries(heard)) page.removeEventListener(name, call);
  };
}
