// What the server says each second, and what follows from two of them. Not here: how it is shown.

/** Opaque: it is only shown, and sent back. */
export type Id = number | string;

export interface Totals {
  opened: number;
  closed: number;
  refused: number;
  messages_in: number;
  messages_out: number;
  bytes_in: number;
  bytes_out: number;
  dropped: number;
  queued_bytes: number;
}

export interface ConnectionRow {
  id: Id;
  user: string | null;
  addr: string;
  route: string;
  path: string;
  since: number;
  messages_in: number;
  messages_out: number;
  bytes_in: number;
  bytes_out: number;
  queued: number;
  rtt: number | null;
  rooms: string[];
}

export interface RoomRow {
  name: string;
  route: string;
  members: number;
  published: number;
  dropped: number;
  updated: number;
}

/** A server that shares rooms with others. */
export interface NodeReport {
  id: string;
  name: string;
  broker: string;
  up: boolean;
  published: number;
  heard: number;
  queued: number;
  dropped: number;
  gaps: number;
  missed: number;
  others: { id: string; name: string; online: number }[];
}

export interface Snapshot {
  time: number;
  uptime: number;
  online: number;
  version: string;
  totals: Totals;
  /** None where it shares nothing. */
  node?: NodeReport | null;
  connections: ConnectionRow[];
  connections_total: number;
  rooms: RoomRow[];
  rooms_total: number;
}

export interface Rates {
  messagesIn: number;
  messagesOut: number;
  bytesIn: number;
  bytesOut: number;
}

/** What happened each second between the two; nothing can be said where the server began anew, or the clock jumped. */
export function rates(before: Snapshot | undefined, now: Snapshot): Rates | undefined {
  if (!before || now.uptime < before.uptime) return undefined;
  const seconds = (now.time - before.time) / 1_000;
  if (seconds <= 0 || seconds > 60) return undefined;
  const each = (key: keyof Totals) => Math.max(0, (now.totals[key] - before.totals[key]) / seconds);
  return {
    messagesIn: each("messages_in"),
    messagesOut: each("messages_out"),
    bytesIn: each("bytes_in"),
    bytesOut: each("bytes_out"),
  };
}
