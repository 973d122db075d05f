// Tiles, charts and tables of the admin page. Not here: what is sent.

import { aboveBytes, Chart, type Series } from "./chart";
import { byId, make, setText } from "./dom";
import * as format from "./format";
import { Nodes } from "./nodes";
import { rates, type ConnectionRow, type Rates, type RoomRow, type Snapshot } from "./snapshot";
import { Table, type Column } from "./table";

/** So many connections are shown at once. */
export const PAGE = 50;
/** What the server is asked for at most, of connections and of rooms; it would tell a thousand. */
export const ROWS = 100;
/** Snapshots that are closer, in milliseconds, tell no rates. */
const SHORT = 500;

const BOTH: Series[] = [
  { label: "in", kind: "in" },
  { label: "out", kind: "out" },
];

const TILES: [string, (now: Snapshot, rates?: Rates) => string][] = [
  ["Online", ({ online }) => format.count(online)],
  ["Messages in /s", (_, each) => (each ? format.rate(each.messagesIn) : "–")],
  ["Messages out /s", (_, each) => (each ? format.rate(each.messagesOut) : "–")],
  ["Bytes in /s", (_, each) => (each ? format.bytes(each.bytesIn) : "–")],
  ["Bytes out /s", (_, each) => (each ? format.bytes(each.bytesOut) : "–")],
  ["Refused", ({ totals }) => format.count(totals.refused)],
  ["Dropped", ({ totals }) => format.count(totals.dropped)],
  ["Queued", ({ totals }) => format.bytes(totals.queued_bytes)],
];

let now = Date.now();
const ago = (time: number) => format.span((now - time) / 1_000);

const TRAFFIC = "messages, and their bytes";
const traffic = (messages: number, bytes: number) => `${format.count(messages)} · ${format.bytes(bytes)}`;

const CONNECTIONS: Column<ConnectionRow>[] = [
  { label: "Id", text: ({ id }) => String(id) },
  { label: "User", text: ({ user }) => user ?? "–" },
  { label: "Address", text: ({ addr }) => addr },
  { label: "Path", text: ({ path }) => path, title: ({ route }) => `route ${route}` },
  { label: "Since", text: ({ since }) => ago(since), title: ({ since }) => format.moment(since), number: true },
  { label: "In", text: (row) => traffic(row.messages_in, row.bytes_in), title: () => TRAFFIC, number: true },
  { label: "Out", text: (row) => traffic(row.messages_out, row.bytes_out), title: () => TRAFFIC, number: true },
  { label: "Queue", text: ({ queued }) => (queued ? format.bytes(queued) : "–"), number: true },
  { label: "RTT", text: ({ rtt }) => format.roundTrip(rtt), number: true },
  { label: "Rooms", text: ({ rooms }) => rooms.join(", ") || "–" },
];

const ROOM_COLUMNS: Column<RoomRow>[] = [
  { label: "Room", text: ({ name }) => name },
  { label: "Path", text: ({ route }) => route },
  { label: "Members", text: ({ members }) => format.count(members), number: true },
  { label: "Published", text: ({ published }) => format.count(published), number: true },
  { label: "Dropped", text: ({ dropped }) => format.count(dropped), number: true },
  { label: "Last", text: ({ updated }) => (updated ? `${ago(updated)} ago` : "–"), number: true },
];

export interface Actions {
  close(row: ConnectionRow): void;
  sendTo(row: RoomRow): void;
}

export class Desk {
  readonly #tiles: HTMLElement[];
  readonly #charts: { online: Chart; messages: Chart; bytes: Chart };
  readonly #nodes = new Nodes();
  readonly #connections: Table<ConnectionRow>;
  readonly #rooms: Table<RoomRow>;
  /** The newest one, until it is drawn. */
  #now: { snapshot: Snapshot; each: Rates | undefined; offset: number } | undefined;
  /** Where the next rates begin. */
  #before: Snapshot | undefined;
  #each: Rates | undefined;

  constructor(actions: Actions) {
    this.#tiles = TILES.map(([label]) => {
      const value = make("dd");
      byId("tiles").append(make("div", "tile card", make("dt", "", label), value));
      return value;
    });
    const host = byId("charts");
    this.#charts = {
      online: new Chart(host, "Online", [{ label: "", kind: "in" }], format.count),
      messages: new Chart(host, "Messages /s", BOTH, format.rate),
      bytes: new Chart(host, "Bytes /s", BOTH, format.bytes, aboveBytes),
    };
    const close = {
      text: "Close",
      classes: "close",
      click: actions.close,
      name: ({ id }: ConnectionRow) => `Close connection ${id}`,
    };
    this.#connections = new Table(byId<HTMLTableElement>("connections"), CONNECTIONS, ({ id }) => id, close);
    const send = {
      text: "Send",
      classes: "",
      click: actions.sendTo,
      name: ({ name }: RoomRow) => `Send to room ${name}`,
    };
    this.#rooms = new Table(
      byId<HTMLTableElement>("rooms"),
      ROOM_COLUMNS,
      (row) => JSON.stringify([row.route, row.name]),
      send,
    );
  }

  /** What is drawn is what there is when the browser draws: ten snapshots that came at once are drawn once. */
  show(snapshot: Snapshot, offset: number): void {
    if (!this.#now) requestAnimationFrame(() => this.#draw());
    this.#now = { snapshot, each: this.#add(snapshot), offset };
  }

  #add(snapshot: Snapshot): Rates | undefined {
    const before = this.#before;
    // Whoever filters is answered at once; a rate over so short a time would be noise.
    if (before && snapshot.uptime >= before.uptime && Math.abs(snapshot.time - before.time) < SHORT) return this.#each;
    this.#before = snapshot;
    this.#each = rates(before, snapshot);
    const { messagesIn, messagesOut, bytesIn, bytesOut } = this.#each ?? {};
    this.#charts.online.add(snapshot.time, [snapshot.online]);
    this.#charts.messages.add(snapshot.time, [messagesIn, messagesOut]);
    this.#charts.bytes.add(snapshot.time, [bytesIn, bytesOut]);
    return this.#each;
  }

  #draw(): void {
    if (!this.#now) return;
    const { snapshot, each, offset } = this.#now;
    this.#now = undefined;
    now = snapshot.time;
    TILES.forEach(([, text], index) => setText(this.#tiles[index]!, text(snapshot, each)));
    Object.values(this.#charts).forEach((chart) => chart.draw());
    setText(byId("about"), `${snapshot.version}, up ${format.span(snapshot.uptime)}`);
    this.#nodes.show(snapshot);
    this.#connections.show(snapshot.connections.slice(0, PAGE));
    this.#rooms.show(snapshot.rooms.slice(0, ROWS));
    setText(byId("connections-count"), format.count(snapshot.connections_total));
    setText(byId("rooms-count"), format.count(snapshot.rooms_total));
    byId("connections-empty").hidden = snapshot.connections.length > 0;
    byId("rooms-empty").hidden = snapshot.rooms.length > 0;
    this.#pager(snapshot, offset);
  }

  #pager({ connections, connections_total: total }: Snapshot, offset: number): void {
    const last = offset + Math.min(PAGE, connections.length);
    byId("pager").hidden = total <= PAGE && offset === 0;
    setText(
      byId("page-now"),
      `${format.count(Math.min(offset + 1, last))}–${format.count(last)} of ${format.count(total)}`,
    );
    byId<HTMLButtonElement>("page-back").disabled = offset === 0;
    byId<HTMLButtonElement>("page-on").disabled = last >= total;
  }
}
