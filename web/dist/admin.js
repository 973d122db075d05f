/* Sockeye, the admin page. MIT OR Apache-2.0. Built from web/pages. */

// pages/admin.ts
import { connect } from "/sockeye.js";

// pages/dom.ts
function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}
function make(tag, classes = "", ...content) {
  const made = document.createElement(tag);
  if (classes) made.className = classes;
  made.append(...content);
  return made;
}
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
function secondsUntil(at) {
  return Math.max(1, Math.ceil((at - Date.now()) / 1e3));
}

// pages/chart.ts
var SPAN = 600;
var HEIGHT = 120;
var SVG = "http://www.w3.org/2000/svg";
var Chart = class {
  constructor(host, title, series, format, round = above) {
    this.format = format;
    this.round = round;
    const plot = element("svg", {
      viewBox: `0 0 ${SPAN} ${HEIGHT}`,
      preserveAspectRatio: "none",
      role: "img",
      "aria-label": `${title}, over the last ten minutes`
    });
    for (const y of [0.5, HEIGHT / 2, HEIGHT - 0.5])
      plot.append(element("line", { class: "grid", x1: "0", x2: String(SPAN), y1: String(y), y2: String(y) }));
    this.#lines = series.map(({ kind }) => {
      const [area, line2] = [element("path", { class: `area ${kind}` }), element("path", { class: `curve ${kind}` })];
      plot.append(area, line2);
      return { area, line: line2, value: make("b") };
    });
    plot.append(this.#cursor);
    const legend = series.map(
      ({ label, kind }, index) => make("span", `legend ${kind}`, label ? `${label} ` : "", this.#lines[index].value)
    );
    const drawn = make("div", "plot");
    drawn.append(plot, this.#most);
    host.append(
      make(
        "figure",
        "chart card",
        make("figcaption", "", make("span", "", title), make("span", "legends", ...legend)),
        drawn,
        make("p", "axis", this.#when, make("span", "", "now"))
      )
    );
    plot.addEventListener("pointermove", (event) => this.#point(event, plot));
    plot.addEventListener("pointerleave", () => this.#point(void 0, plot));
  }
  format;
  round;
  #points = [];
  #shown;
  #lines;
  #most = make("span", "most");
  #cursor = element("line", { class: "cursor", y1: "0", y2: String(HEIGHT) });
  #when = make("span", "axis-when", "ten minutes ago");
  /** Adds what is known at that time, in milliseconds. */
  add(time, values) {
    this.#points.push({ time, values });
    const oldest = time - SPAN * 1e3;
    this.#points = this.#points.filter((point) => point.time >= oldest && point.time <= time);
  }
  draw() {
    const newest = this.#points.at(-1);
    if (!newest) return;
    const known = this.#points.flatMap(({ values }) => values.filter((value2) => value2 !== void 0));
    const most = this.round(Math.max(0, ...known));
    setText(this.#most, this.format(most));
    this.#lines.forEach(({ line: line2, area }, index) => {
      const { curve, fill } = this.#paths(index, newest.time, most);
      line2.setAttribute("d", curve);
      area.setAttribute("d", fill);
    });
    this.#legend();
  }
  clear() {
    this.#points = [];
  }
  /** Pieces of a line: where nothing was known for some seconds, there is a gap. */
  #paths(index, now2, most) {
    const pieces = [];
    let last = Number.NEGATIVE_INFINITY;
    for (const { time, values } of this.#points) {
      const value2 = values[index];
      if (value2 === void 0) continue;
      if (time - last > 5e3) pieces.push([]);
      last = time;
      const x = SPAN - (now2 - time) / 1e3;
      const y = HEIGHT - 1 - value2 / most * (HEIGHT - 2);
      pieces.at(-1)?.push(`${x.toFixed(1)} ${y.toFixed(1)}`);
    }
    const curve = pieces.map((piece) => `M${piece.join("L")}`).join("");
    const start = (point = "") => point.split(" ")[0];
    const fill = pieces.map((piece) => `M${start(piece[0])} ${HEIGHT}L${piece.join("L")}L${start(piece.at(-1))} ${HEIGHT}Z`).join("");
    return { curve, fill };
  }
  #point(event, plot) {
    this.#shown = void 0;
    const newest = this.#points.at(-1);
    if (event && newest) {
      const { left, width } = plot.getBoundingClientRect();
      const x = (event.clientX - left) / width * SPAN;
      const time = newest.time - (SPAN - x) * 1e3;
      const near = this.#points.reduce(
        (best, point) => Math.abs(point.time - time) < Math.abs(best.time - time) ? point : best
      );
      if (Math.abs(near.time - time) < 5e3) this.#shown = near;
    }
    this.#legend();
  }
  #legend() {
    const newest = this.#points.at(-1);
    const point = this.#shown ?? newest;
    this.#lines.forEach(({ value: value2 }, index) => {
      const figure = point?.values[index];
      setText(value2, figure === void 0 ? "–" : this.format(figure));
    });
    const x = this.#shown && newest ? String(SPAN - (newest.time - this.#shown.time) / 1e3) : "-9";
    this.#cursor.setAttribute("x1", x);
    this.#cursor.setAttribute("x2", x);
    setText(this.#when, this.#shown ? new Date(this.#shown.time).toLocaleTimeString() : "ten minutes ago");
  }
};
function above(value2) {
  if (value2 <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(value2));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value2) ?? value2;
}
function aboveBytes(value2) {
  const unit = 1024 ** Math.max(0, Math.floor(Math.log(Math.max(1, value2)) / Math.log(1024)));
  const rounded = above(value2 / unit);
  return (rounded === 1e3 ? 1024 : rounded) * unit;
}
function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value2] of Object.entries(attributes)) made.setAttribute(key, value2);
  return made;
}

// pages/format.ts
var whole = new Intl.NumberFormat(void 0, { maximumFractionDigits: 0 });
var UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];
var clock = new Intl.DateTimeFormat(void 0, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
  hourCycle: "h23"
});
var day = new Intl.DateTimeFormat(void 0, { dateStyle: "medium", timeStyle: "medium" });
function count(value2) {
  return whole.format(value2);
}
function rate(value2) {
  return value2 > 0 && value2 < 10 ? value2.toFixed(1) : whole.format(value2);
}
function bytes(value2) {
  let unit = 0;
  let rest = value2;
  while (rest >= 1e3 && unit < UNITS.length - 1) {
    rest /= 1024;
    unit += 1;
  }
  return `${unit > 0 && rest < 10 ? rest.toFixed(1) : whole.format(rest)} ${UNITS[unit]}`;
}
function span(seconds) {
  if (seconds < 60) return `${Math.max(0, Math.floor(seconds))} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds % 3600 / 60)} min`;
  return `${Math.floor(seconds / 86400)} d ${Math.floor(seconds % 86400 / 3600)} h`;
}
function roundTrip(milliseconds) {
  if (milliseconds === null || milliseconds === void 0) return "–";
  return `${milliseconds < 10 ? milliseconds.toFixed(1) : whole.format(milliseconds)} ms`;
}
function timeOfDay(time) {
  return clock.format(time);
}
function moment(time) {
  return day.format(time);
}

// pages/table.ts
var Table = class {
  constructor(table, columns, key, button) {
    this.columns = columns;
    this.key = key;
    this.button = button;
    this.#body = table.tBodies[0];
  }
  columns;
  key;
  button;
  #body;
  #rows = /* @__PURE__ */ new Map();
  show(rows) {
    const next = /* @__PURE__ */ new Map();
    let before = this.#body.firstElementChild;
    for (const row of rows) {
      const known = this.#rows.get(this.key(row));
      const entry = known ?? this.#make(row);
      entry.row = row;
      this.#fill(entry);
      next.set(this.key(row), entry);
      if (entry.element === before) before = before.nextElementSibling;
      else this.#body.insertBefore(entry.element, before);
    }
    for (const [key, { element: element2 }] of this.#rows) if (!next.has(key)) element2.remove();
    this.#rows = next;
  }
  #make(row) {
    const cells = this.columns.map(({ label, number }) => {
      const cell = make("td", number ? "number" : "");
      cell.dataset.label = label;
      return cell;
    });
    const entry = { element: make("tr", "", ...cells), row };
    if (this.button) {
      const { text, classes, click, name } = this.button;
      const press = make("button", `quiet small ${classes}`, text);
      press.type = "button";
      press.addEventListener("click", () => click(entry.row));
      press.setAttribute("aria-label", name(row));
      entry.element.append(make("td", "press", press));
    }
    return entry;
  }
  #fill({ element: element2, row }) {
    this.columns.forEach(({ text, title }, index) => {
      const cell = element2.cells[index];
      setText(cell, text(row));
      if (title) cell.title = title(row);
    });
  }
};

// pages/nodes.ts
var COLUMNS = [
  { label: "Node", text: ({ name }) => name },
  { label: "Id", text: ({ id }) => id },
  { label: "Online", text: ({ online }) => count(online), number: true }
];
var Nodes = class {
  #table = new Table(byId("nodes"), COLUMNS, ({ id }) => id);
  show({ node, online }) {
    byId("nodes-card").hidden = !node;
    if (!node) return;
    const rows = [{ id: node.id, name: `${node.name} (this one)`, online }, ...node.others];
    this.#table.show(rows);
    setText(byId("nodes-count"), count(rows.length));
    setText(byId("nodes-state"), reach(node));
    byId("nodes-state").classList.toggle("bad", !node.up);
    setText(byId("nodes-traffic"), traffic(node));
    const all = rows.reduce((sum, row) => sum + row.online, 0);
    setText(byId("nodes-online"), `${count(all)} online on all nodes`);
  }
};
function reach({ up, broker }) {
  if (up) return `Over ${broker}.`;
  return `${broker} cannot be reached. Rooms go on here; what is said for other nodes waits.`;
}
function traffic({ published, heard: heard2, queued, gaps, missed, dropped }) {
  const facts = [`${count(published)} messages out`, `${count(heard2)} in`];
  if (queued > 0) facts.push(`${bytes(queued)} wait`);
  if (dropped > 0) facts.push(`${count(dropped)} dropped`);
  if (gaps > 0) facts.push(`at least ${count(missed)} missed in ${count(gaps)} gaps`);
  return facts.join(" · ");
}

// pages/snapshot.ts
function rates(before, now2) {
  if (!before || now2.uptime < before.uptime) return void 0;
  const seconds = (now2.time - before.time) / 1e3;
  if (seconds <= 0 || seconds > 60) return void 0;
  const each = (key) => Math.max(0, (now2.totals[key] - before.totals[key]) / seconds);
  return {
    messagesIn: each("messages_in"),
    messagesOut: each("messages_out"),
    bytesIn: each("bytes_in"),
    bytesOut: each("bytes_out")
  };
}

// pages/desk.ts
var PAGE = 50;
var ROWS = 100;
var SHORT = 500;
var BOTH = [
  { label: "in", kind: "in" },
  { label: "out", kind: "out" }
];
var TILES = [
  ["Online", ({ online }) => count(online)],
  ["Messages in /s", (_, each) => each ? rate(each.messagesIn) : "–"],
  ["Messages out /s", (_, each) => each ? rate(each.messagesOut) : "–"],
  ["Bytes in /s", (_, each) => each ? bytes(each.bytesIn) : "–"],
  ["Bytes out /s", (_, each) => each ? bytes(each.bytesOut) : "–"],
  ["Refused", ({ totals }) => count(totals.refused)],
  ["Dropped", ({ totals }) => count(totals.dropped)],
  ["Queued", ({ totals }) => bytes(totals.queued_bytes)]
];
var now = Date.now();
var ago = (time) => span((now - time) / 1e3);
var TRAFFIC = "messages, and their bytes";
var traffic2 = (messages, bytes2) => `${count(messages)} · ${bytes(bytes2)}`;
var CONNECTIONS = [
  { label: "Id", text: ({ id }) => String(id) },
  { label: "User", text: ({ user }) => user ?? "–" },
  { label: "Address", text: ({ addr }) => addr },
  { label: "Path", text: ({ path }) => path, title: ({ route }) => `route ${route}` },
  { label: "Since", text: ({ since }) => ago(since), title: ({ since }) => moment(since), number: true },
  { label: "In", text: (row) => traffic2(row.messages_in, row.bytes_in), title: () => TRAFFIC, number: true },
  { label: "Out", text: (row) => traffic2(row.messages_out, row.bytes_out), title: () => TRAFFIC, number: true },
  { label: "Queue", text: ({ queued }) => queued ? bytes(queued) : "–", number: true },
  { label: "RTT", text: ({ rtt }) => roundTrip(rtt), number: true },
  { label: "Rooms", text: ({ rooms }) => rooms.join(", ") || "–" }
];
var ROOM_COLUMNS = [
  { label: "Room", text: ({ name }) => name },
  { label: "Path", text: ({ route }) => route },
  { label: "Members", text: ({ members }) => count(members), number: true },
  { label: "Published", text: ({ published }) => count(published), number: true },
  { label: "Dropped", text: ({ dropped }) => count(dropped), number: true },
  { label: "Last", text: ({ updated }) => updated ? `${ago(updated)} ago` : "–", number: true }
];
var Desk = class {
  #tiles;
  #charts;
  #nodes = new Nodes();
  #connections;
  #rooms;
  /** The newest one, until it is drawn. */
  #now;
  /** Where the next rates begin. */
  #before;
  #each;
  constructor(actions) {
    this.#tiles = TILES.map(([label]) => {
      const value2 = make("dd");
      byId("tiles").append(make("div", "tile card", make("dt", "", label), value2));
      return value2;
    });
    const host = byId("charts");
    this.#charts = {
      online: new Chart(host, "Online", [{ label: "", kind: "in" }], count),
      messages: new Chart(host, "Messages /s", BOTH, rate),
      bytes: new Chart(host, "Bytes /s", BOTH, bytes, aboveBytes)
    };
    const close = {
      text: "Close",
      classes: "close",
      click: actions.close,
      name: ({ id }) => `Close connection ${id}`
    };
    this.#connections = new Table(byId("connections"), CONNECTIONS, ({ id }) => id, close);
    const send = {
      text: "Send",
      classes: "",
      click: actions.sendTo,
      name: ({ name }) => `Send to room ${name}`
    };
    this.#rooms = new Table(
      byId("rooms"),
      ROOM_COLUMNS,
      (row) => JSON.stringify([row.route, row.name]),
      send
    );
  }
  /** What is drawn is what there is when the browser draws: ten snapshots that came at once are drawn once. */
  show(snapshot, offset2) {
    if (!this.#now) requestAnimationFrame(() => this.#draw());
    this.#now = { snapshot, each: this.#add(snapshot), offset: offset2 };
  }
  #add(snapshot) {
    const before = this.#before;
    if (before && snapshot.uptime >= before.uptime && Math.abs(snapshot.time - before.time) < SHORT) return this.#each;
    this.#before = snapshot;
    this.#each = rates(before, snapshot);
    const { messagesIn, messagesOut, bytesIn, bytesOut } = this.#each ?? {};
    this.#charts.online.add(snapshot.time, [snapshot.online]);
    this.#charts.messages.add(snapshot.time, [messagesIn, messagesOut]);
    this.#charts.bytes.add(snapshot.time, [bytesIn, bytesOut]);
    return this.#each;
  }
  #draw() {
    if (!this.#now) return;
    const { snapshot, each, offset: offset2 } = this.#now;
    this.#now = void 0;
    now = snapshot.time;
    TILES.forEach(([, text], index) => setText(this.#tiles[index], text(snapshot, each)));
    Object.values(this.#charts).forEach((chart) => chart.draw());
    setText(byId("about"), `${snapshot.version}, up ${span(snapshot.uptime)}`);
    this.#nodes.show(snapshot);
    this.#connections.show(snapshot.connections.slice(0, PAGE));
    this.#rooms.show(snapshot.rooms.slice(0, ROWS));
    setText(byId("connections-count"), count(snapshot.connections_total));
    setText(byId("rooms-count"), count(snapshot.rooms_total));
    byId("connections-empty").hidden = snapshot.connections.length > 0;
    byId("rooms-empty").hidden = snapshot.rooms.length > 0;
    this.#pager(snapshot, offset2);
  }
  #pager({ connections, connections_total: total }, offset2) {
    const last = offset2 + Math.min(PAGE, connections.length);
    byId("pager").hidden = total <= PAGE && offset2 === 0;
    setText(
      byId("page-now"),
      `${count(Math.min(offset2 + 1, last))}–${count(last)} of ${count(total)}`
    );
    byId("page-back").disabled = offset2 === 0;
    byId("page-on").disabled = last >= total;
  }
};

// pages/send.ts
var field = (name) => byId(`send-${name}`);
var value = (name) => field(name).value.trim();
var SendForm = class {
  constructor(socket2) {
    this.socket = socket2;
    for (const name of ["to", "kind"]) field(name).addEventListener("change", () => this.#fit());
    byId("send-form").addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#send();
    });
    this.#fit();
  }
  socket;
  #snapshot;
  /** Has the fields suggest what there is. */
  know(snapshot) {
    this.#snapshot = snapshot;
    suggest(
      "known-rooms",
      snapshot.rooms.map(({ name }) => name)
    );
    suggest("known-paths", [
      ...snapshot.connections.map(({ path }) => path),
      ...snapshot.rooms.map(({ route }) => route)
    ]);
  }
  fill({ name, route }) {
    field("to").value = "room";
    field("room").value = name;
    field("path").value = route;
    this.#fit();
    byId("send-form").scrollIntoView({ block: "center" });
    field(value("kind") === "text" ? "text" : "cmd").focus();
  }
  /** Shows the fields that what is chosen needs, and no others. */
  #fit() {
    const chosen2 = [value("to"), value("kind")];
    for (const one of document.querySelectorAll("#send-form [data-for]")) {
      const needed = one.dataset.for.split(" ").some((name) => chosen2.includes(name));
      one.hidden = !needed;
      const input = one.querySelector("input, textarea");
      input.required = needed && input.id !== "send-param";
    }
  }
  async #send() {
    const socket2 = this.socket();
    const result = byId("send-result");
    try {
      const what = value("kind") === "text" ? { text: field("text").value } : { cmd: value("cmd"), ...param() };
      const reply = await socket2?.request("send", { to: this.#to(), ...what });
      const queued = Number(reply?.queued ?? 0);
      result.className = "";
      setText(result, `sent message, to ${count(queued)} ${queued === 1 ? "connection" : "connections"}`);
    } catch (error) {
      result.className = "bad";
      setText(result, error.message);
    }
  }
  #to() {
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
  #id(typed) {
    const known = this.#snapshot?.connections.find(({ id }) => String(id) === typed);
    return known?.id ?? (/^\d{1,15}$/.test(typed) ? Number(typed) : typed);
  }
};
function param() {
  const text = value("param");
  if (text === "") return {};
  try {
    return { param: JSON.parse(text) };
  } catch (error) {
    throw new Error(`The param is not JSON: ${error.message}`);
  }
}
function suggest(id, names) {
  const distinct = [...new Set(names)].slice(0, 100);
  const list = byId(id);
  if (JSON.stringify(distinct) === list.dataset.told) return;
  list.dataset.told = JSON.stringify(distinct);
  list.replaceChildren(
    ...distinct.map((name) => {
      const option = make("option");
      option.value = name;
      return option;
    })
  );
}

// pages/tap.ts
var KEPT = 500;
var NEAR = 40;
var ARROWS = { in: "→", out: "←" };
var Tap = class {
  constructor(socket2) {
    this.socket = socket2;
    byId("tap-toggle").addEventListener("click", () => this.#toggle());
    byId("tap-clear").addEventListener("click", () => this.clear());
    this.#filter.addEventListener("input", () => {
      for (const line2 of this.#list.children) this.#sift(line2);
    });
    this.clear();
  }
  socket;
  on = false;
  #waiting = [];
  #seen = 0;
  #lost = 0;
  #list = byId("tap");
  #filter = byId("tap-filter");
  /** A new connection knows of no tap. */
  opened() {
    if (this.on) this.socket()?.emit("tap", { on: true });
  }
  add(tapped) {
    if (!this.on) return;
    this.#seen += 1;
    this.#push(line(tapped));
  }
  lost(howMany) {
    this.#lost += howMany;
    this.#push(make("div", "lost", `${count(howMany)} lost here`));
  }
  clear() {
    this.#waiting = [];
    this.#seen = 0;
    this.#lost = 0;
    this.#list.replaceChildren();
    this.#tell();
  }
  #toggle() {
    this.on = !this.on;
    this.socket()?.emit("tap", { on: this.on });
    const button = byId("tap-toggle");
    setText(button, this.on ? "Stop" : "Start");
    button.setAttribute("aria-pressed", String(this.on));
    byId("tap-hint").hidden = true;
  }
  /** Thousands may come in a second; the document changes as often as the screen does. */
  #push(added) {
    this.#sift(added);
    if (this.#waiting.length === 0) requestAnimationFrame(() => this.#draw());
    this.#waiting.push(added);
    if (this.#waiting.length > KEPT) this.#waiting.shift();
  }
  #draw() {
    const { scrollHeight, scrollTop, clientHeight } = this.#list;
    const follow = scrollHeight - scrollTop - clientHeight < NEAR;
    this.#list.append(...this.#waiting.splice(0));
    while (this.#list.childElementCount > KEPT) this.#list.firstElementChild?.remove();
    if (follow) this.#list.scrollTop = this.#list.scrollHeight;
    this.#tell();
  }
  #sift(one) {
    const wanted = this.#filter.value.trim().toLowerCase();
    one.hidden = wanted !== "" && !one.classList.contains("lost") && !one.textContent.toLowerCase().includes(wanted);
  }
  #tell() {
    setText(
      byId("tap-count"),
      this.#seen + this.#lost === 0 ? "" : `${count(this.#seen)} seen, ${count(this.#lost)} lost`
    );
  }
};
function line({ time, id, to, path, dir, kind, bytes: size, text }) {
  const arrow = make("span", "dir", ARROWS[dir] ?? "·");
  arrow.title = dir === "in" ? "from the client" : "to the client";
  const what = kind === "text" ? bytes(size) : `${kind} ${bytes(size)}`;
  const facts = [
    make("span", "time", timeOfDay(time)),
    arrow,
    make("span", "id", String(id ?? to ?? "")),
    make("span", "path", path),
    make("span", "size", what)
  ];
  return make("div", `tapped ${dir === "in" ? "in" : "out"}`, ...facts, make("span", "said", text ?? ""));
}

// pages/admin.ts
var TOKEN = "sockeye.token";
var socket;
var offset = 0;
var chosen;
var tap = new Tap(() => socket);
var sendForm = new SendForm(() => socket);
var desk = new Desk({ close: ask, sendTo: (room) => sendForm.fill(room) });
var filter = byId("filter");
var dialog = byId("close-dialog");
byId("sign-in-form").addEventListener("submit", (event) => {
  event.preventDefault();
  signIn(byId("token").value.trim());
});
byId("sign-out").addEventListener("click", () => signedOut(""));
function signIn(token) {
  setText(byId("sign-in-problem"), "");
  let opened = false;
  const mine = connect("/admin/socket", {
    protocols: ["sockeye.admin", `token.${token}`],
    onopen() {
      opened = true;
      sessionStorage.setItem(TOKEN, token);
      byId("token").value = "";
      show(true);
      watch();
      tap.opened();
    },
    onmessage: (message) => socket === mine && heard(message),
    onstate: (state) => socket === mine && tell(state),
    onclose: (closed) => socket === mine && !opened && void refused(closed),
    onerror: (source, cause) => source !== "socket" && console.warn(source, cause),
    // A token that never opened anything is asked for again.
    reconnect: () => opened
  });
  socket = mine;
  tell(mine.state);
}
async function refused({ reason }) {
  const answers = await fetch("/healthz").then(
    ({ ok }) => ok,
    () => false
  );
  signedOut(reason || (answers ? "The server does not take this token." : "The server does not answer."));
}
function signedOut(why) {
  sessionStorage.removeItem(TOKEN);
  const before = socket;
  socket = void 0;
  before?.disconnect();
  show(false);
  setText(byId("sign-in-problem"), why);
  byId("token").select();
}
function show(signedIn) {
  byId("sign-in").hidden = signedIn;
  byId("desk").hidden = !signedIn;
  if (!signedIn) byId("token").focus();
}
function heard({ cmd, param: param2 }) {
  switch (cmd) {
    case "snapshot":
      desk.show(param2, offset);
      return sendForm.know(param2);
    case "tap":
      return tap.add(param2);
    case "tap-lost":
      return tap.lost(Number(param2.count ?? 0));
    default:
      console.warn(`unhandled websocket command [${cmd}]`);
  }
}
function watch() {
  const wanted = filter.value.trim();
  socket?.emit("watch", { ...wanted ? { filter: wanted } : {}, ...offset ? { offset } : {}, limit: ROWS });
}
function turn(to) {
  offset = Math.max(0, to);
  watch();
}
var typing;
filter.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => turn(0), 200);
});
byId("page-back").addEventListener("click", () => turn(offset - PAGE));
byId("page-on").addEventListener("click", () => turn(offset + PAGE));
function ask(row) {
  chosen = row;
  setText(byId("close-who"), `${row.id}${row.user ? `, ${row.user},` : ""} from ${row.addr} on ${row.path}`);
  setText(byId("close-problem"), "");
  dialog.showModal();
  byId("close-cancel").focus();
}
byId("close-cancel").addEventListener("click", () => dialog.close());
byId("close-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const code = byId("close-code").valueAsNumber;
  const reason = byId("close-reason").value;
  try {
    await socket?.request("close", { id: chosen?.id, code, ...reason ? { reason } : {} });
    dialog.close();
  } catch (error) {
    setText(byId("close-problem"), error.message);
  }
});
byId("try-now").addEventListener("click", () => socket?.connect());
function tell(state) {
  const texts = { connecting: "Connecting…", open: "Live", waiting: "Reconnecting", closed: "Disconnected" };
  setText(byId("state"), texts[state.name]);
  byId("state").className = `state ${state.name}`;
  byId("banner").hidden = state.name === "open";
  countdown(state);
}
function countdown(state) {
  const next = state.name === "waiting" ? ` Next attempt in ${secondsUntil(state.at)} s.` : "";
  const gone = state.name === "closed" ? ` The server closed it (${state.closed.code}${state.closed.reason ? `, ${state.closed.reason}` : ""}).` : "";
  setText(byId("banner-text"), `These figures are old: there is no connection.${gone}${next}`);
  if (state.name === "waiting") setTimeout(() => socket?.state === state && countdown(state), 250);
}
var kept = sessionStorage.getItem(TOKEN);
if (kept) signIn(kept);
else show(false);
