// Figures for the admin page: some are of real connections, all others move as those of a server do, and mean nothing.

const USERS = [
  "Ada",
  "Grace",
  "Edsger",
  "Barbara",
  "Donald",
  "Frances",
  "Ken",
  "Radia",
  "Leslie",
  "Margaret",
  "Tony",
  "Hedy",
];
const ROUTES = [
  ["/chat/{room}", (n) => `/chat/${["lobby", "rust", "night-shift", "release-planning"][n % 4]}`],
  ["/ticker", () => "/ticker"],
  ["/example/socket", () => "/example/socket"],
  ["/echo", () => "/echo"],
];
const TEXTS = [
  '{"cmd":"chat","param":{"text":"Is the build green again?"}}',
  '{"cmd":"ping"}',
  '{"cmd":"chat","param":{"text":"Looks good to me."}}',
  '{"cmd":"tick","param":{"symbol":"SOCK","price":41.73}}',
];

export class Figures {
  #last = 0;
  #connections = new Map();
  #peers = new Map();
  #started = Date.now() - 86_400_000 * 3.2;
  #totals = {
    opened: 48_211,
    closed: 48_125,
    refused: 312,
    messages_in: 9e6,
    messages_out: 6e7,
    bytes_in: 1e9,
    bytes_out: 9e9,
    dropped: 1_204,
    queued_bytes: 0,
  };
  #at = Date.now();
  #node;

  /** So many made-up connections; `node` has there be two more servers. */
  constructor(people, node = false) {
    this.#node = node;
    for (let count = 0; count < people; count += 1) this.#invent();
  }

  /** A real one; returns its id. */
  open(path, route, user, rooms, peer) {
    const id = 48_126 + this.#last++;
    const figures = { messages_in: 0, messages_out: 0, bytes_in: 0, bytes_out: 0, queued: 0, rtt: null };
    this.#connections.set(id, { id, user, addr: "127.0.0.1:50000", route, path, since: Date.now(), ...figures, rooms });
    this.#peers.set(id, peer);
    return id;
  }

  gone(id) {
    this.#connections.delete(id);
    this.#peers.delete(id);
  }

  #invent() {
    const n = this.#last++;
    const [route, path] = ROUTES[n % 7 < 4 ? 0 : (n % 3) + 1];
    const rooms = route === "/chat/{room}" ? [path(n).slice(6)] : [];
    const id = 48_126 + n;
    const since = Date.now() - Math.floor(3.6e6 * Math.abs(Math.sin(n + 1)) * (1 + (n % 5)));
    const addr = `${n % 4 ? `203.0.113.${(n * 37) % 254}` : "[2001:db8::7:1f]"}:${40_000 + n * 13}`;
    this.#connections.set(id, {
      id,
      user: n % 6 === 5 ? null : USERS[n % USERS.length],
      addr,
      route,
      path: path(n),
      since,
      messages_in: n * 41,
      messages_out: n * 1_733,
      bytes_in: n * 3_700,
      bytes_out: n * 181_003,
      queued: n % 11 ? 0 : n * 512,
      rtt: n % 9 ? Number((Math.abs(Math.sin(n)) * 60 + 0.3).toFixed(2)) : null,
      rooms,
    });
  }

  #load(time) {
    const day = time / 47_000;
    return 400 + 180 * Math.sin(day) + 90 * Math.sin(day * 3.1) + 60 * Math.sin(day * 11) + 40 * Math.random();
  }

  #advance(time) {
    const seconds = (time - this.#at) / 1_000;
    this.#at = time;
    const load = Math.max(20, this.#load(time)) * seconds;
    const totals = this.#totals;
    totals.messages_in += Math.round(load);
    totals.messages_out += Math.round(load * 6.4);
    totals.bytes_in += Math.round(load * 118);
    totals.bytes_out += Math.round(load * 6.4 * 131);
    totals.queued_bytes = Math.round(9_000 * (1 + Math.sin(time / 9_000)));
  }

  #frame(time, online) {
    const uptime = Math.floor((time - this.#started) / 1_000);
    return {
      time,
      uptime,
      online,
      version: "0.1.0",
      totals: { ...this.#totals },
      node: this.#node ? this.#nodes() : null,
    };
  }

  #nodes() {
    const { messages_in, messages_out } = this.#totals;
    const counts = { published: messages_in, heard: messages_out >> 1, queued: 0, dropped: 0, gaps: 0, missed: 0 };
    const others = [
      { id: "0a71c4e5529d3b08", name: "north-2", online: 91 },
      { id: "f3d2086b11ce94a7", name: "north-3", online: 84 },
    ];
    return { id: "5be0cd19137e2179", name: "north-1", broker: "redis://10.0.0.9:6379", up: true, ...counts, others };
  }

  /** Snapshots of so many seconds that were, without tables. */
  past(seconds) {
    const now = Date.now();
    this.#at = now - (seconds + 1) * 1_000;
    return Array.from({ length: seconds }, (_, index) => {
      const time = now - (seconds - index) * 1_000;
      this.#advance(time);
      const online = Math.round(this.#connections.size - 14 + 10 * Math.sin(index / 90) + (index / seconds) * 12);
      return { ...this.#frame(time, online), connections: [], connections_total: 0, rooms: [], rooms_total: 0 };
    });
  }

  snapshot({ filter = "", offset = 0 } = {}) {
    this.#advance(Date.now());
    for (const one of this.#connections.values()) {
      one.messages_out += Math.floor(Math.random() * 7);
      one.bytes_out += Math.floor(Math.random() * 900);
    }
    const all = [...this.#connections.values()].filter((one) =>
      JSON.stringify(one).toLowerCase().includes(filter.toLowerCase()),
    );
    const rooms = [...new Set(all.flatMap((one) => one.rooms))].map((name, n) => ({
      name,
      route: `/chat/${name}`,
      members: all.filter((one) => one.rooms.includes(name)).length,
      published: (120_000 / (n + 1)) | 0,
      dropped: n === 2 ? 1_204 : 0,
      updated: Date.now() - n * n * 9_000,
    }));
    return {
      ...this.#frame(Date.now(), this.#connections.size),
      connections: all.slice(offset, offset + 1_000),
      connections_total: all.length,
      rooms,
      rooms_total: rooms.length,
    };
  }

  /** Sends to the real ones among those that are meant; returns how many those are. */
  send(to, text) {
    const meant = [...this.#connections.values()].filter(
      ({ id, path, rooms }) => to.all || id === to.id || (to.room ? rooms.includes(to.room) : path === to.path),
    );
    for (const { id } of meant) this.#peers.get(id)?.send(text);
    return meant.length;
  }

  close(id, code, reason) {
    this.#peers.get(id)?.close(code, reason);
    return this.#connections.delete(id);
  }

  traffic() {
    const all = [...this.#connections.values()].filter(({ id }) => !this.#peers.has(id));
    if (all.length === 0) return [];
    return Array.from({ length: Math.floor(Math.random() * 3) }, () => {
      const { id, path } = all[Math.floor(Math.random() * all.length)];
      const text = TEXTS[Math.floor(Math.random() * TEXTS.length)];
      return { id, path, dir: Math.random() < 0.3 ? "in" : "out", kind: "text", bytes: text.length, text };
    });
  }
}
