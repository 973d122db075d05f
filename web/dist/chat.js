/* Sockeye, the chat page. MIT OR Apache-2.0. Built from web/pages. */

// pages/chat.ts
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

// pages/identity.ts
var NAMES = [
  "Amber",
  "Birch",
  "Cedar",
  "Delta",
  "Ember",
  "Fjord",
  "Heron",
  "Juniper",
  "Kelp",
  "Lichen",
  "Marten",
  "Osprey",
  "Pebble",
  "Quartz",
  "Rowan",
  "Sedge",
  "Tarn",
  "Willow"
];
var KEPT = "sockeye.name";
function identity() {
  const asked = new URLSearchParams(location.search);
  const name = asked.get("name")?.trim() || kept() || invented();
  return { name, room: asked.get("room")?.trim() || "lobby" };
}
function keep({ name, room }) {
  try {
    localStorage.setItem(KEPT, name);
  } catch {
  }
  const address = new URL(location.href);
  address.search = "";
  if (room !== "lobby") address.searchParams.set("room", room);
  history.replaceState(null, "", address);
}
function kept() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}
function invented() {
  const word = NAMES[Math.floor(Math.random() * NAMES.length)];
  return `${word} ${Math.floor(Math.random() * 90) + 10}`;
}
function hue(name) {
  let hash = 7;
  for (const letter of name) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 16777619);
  return `hue-${((hash ^ hash >>> 15) >>> 0) % 10}`;
}

// pages/lines.ts
var KEPT2 = 500;
var TOGETHER = 5 * 6e4;
var NEAR = 60;
var clock = new Intl.DateTimeFormat(void 0, { hour: "2-digit", minute: "2-digit" });
var full = new Intl.DateTimeFormat(void 0, { dateStyle: "full", timeStyle: "medium" });
var Lines = class {
  #list = byId("messages");
  #scroller = byId("scroller");
  #newer = byId("newer");
  #facts = /* @__PURE__ */ new WeakMap();
  /** The reader is at the end, and stays there. */
  #following = true;
  constructor() {
    this.#scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#newer.addEventListener("click", () => this.#toEnd());
    const sizes = new ResizeObserver(() => this.#following && this.#toEnd());
    sizes.observe(this.#scroller);
    sizes.observe(this.#list);
  }
  /** Adds what somebody said; returns the line. */
  add(said) {
    const line = make("div");
    this.put(line, said);
    return line;
  }
  /** Has a line say this, as the newest one. */
  put(line, said) {
    const { user, text, time, mine } = said;
    line.remove();
    this.#facts.set(line, said);
    line.className = `line ${mine ? "mine" : hue(user)}`;
    const avatar = make("span", "avatar", [...user][0]?.toUpperCase() ?? "?");
    avatar.ariaHidden = "true";
    const who = make("bdi", "who", user);
    const when = make("time", "when", clock.format(time));
    when.dateTime = new Date(time).toISOString();
    when.title = full.format(time);
    const words = make("p", "text", text);
    words.dir = "auto";
    line.replaceChildren(avatar, make("div", "head", who, when), words);
    this.#append(line);
  }
  /** A line that nobody said: somebody came or went. */
  note(text, kind = "") {
    this.#append(make("div", `note ${kind}`.trimEnd(), text));
  }
  clear() {
    this.#list.replaceChildren();
    this.#newer.hidden = true;
    byId("empty").hidden = false;
  }
  #append(line) {
    const follow = this.#following || line.classList.contains("mine");
    byId("empty").hidden = true;
    this.#list.append(line);
    while (this.#list.childElementCount > KEPT2) this.#list.firstElementChild?.remove();
    this.#group(line);
    if (follow) this.#toEnd();
    else this.#newer.hidden = false;
  }
  #group(line) {
    const before = line.previousElementSibling;
    const [said, last] = [this.#facts.get(line), before ? this.#facts.get(before) : void 0];
    const same = said && last && said.user === last.user && said.mine === last.mine && said.time - last.time < TOGETHER;
    line.classList.toggle("same", same === true);
  }
  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    this.#following = scrollHeight - scrollTop - clientHeight < NEAR;
    if (this.#following) this.#newer.hidden = true;
  }
  #toEnd() {
    this.#following = true;
    this.#newer.hidden = true;
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }
};

// pages/outbox.ts
var Outbox = class {
  constructor(lines2, socket2) {
    this.lines = lines2;
    this.socket = socket2;
  }
  lines;
  socket;
  #waiting = [];
  /** What was sent by a connection that is lost, and of which nothing has been heard since. */
  #doubtful = [];
  say(text, user) {
    const line = this.lines.add({ user, text, time: Date.now(), mine: true });
    this.#send({ line, text, sent: false });
  }
  /**
   * The server told everybody what `user` said; true if it is a line of ours, which is confirmed by that: one that waits for
   * it, or one that a lost connection has left in doubt.
   */
  confirm(text, user, time) {
    const own = taken(this.#waiting, text) ?? taken(this.#doubtful, text);
    if (own) this.lines.put(own.line, { user, text, time, mine: true });
    return own !== void 0;
  }
  /** What waited left by the connection that has just been opened. */
  opened() {
    for (const own of this.#waiting) own.sent = true;
  }
  /** What was sent and not repeated is in doubt. */
  closed() {
    for (const own of this.#waiting.filter(({ sent }) => sent)) {
      this.#doubt(own, "Maybe not delivered");
      this.#doubtful.push(own);
    }
    this.#waiting = this.#waiting.filter(({ sent }) => !sent);
  }
  /** Too many waited, and this is the oldest. */
  dropped(data) {
    const { param } = JSON.parse(String(data));
    const text = param?.text;
    const index = this.#waiting.findIndex((own2) => !own2.sent && own2.text === text);
    const [own] = index < 0 ? [] : this.#waiting.splice(index, 1);
    if (own) this.#doubt(own, "Not sent");
  }
  clear() {
    this.#waiting = [];
    this.#doubtful = [];
  }
  #send(own) {
    this.#waiting.push(own);
    own.sent = this.socket().emit("chat", { text: own.text });
    own.line.classList.add("pending");
    if (!own.sent) this.#mark(own, "Waits for the connection");
  }
  #doubt(own, why) {
    const again = make("button", "link", "Send again");
    again.type = "button";
    again.addEventListener("click", () => {
      own.line.classList.remove("doubtful");
      own.line.querySelector(".fate")?.remove();
      this.#doubtful = this.#doubtful.filter((other) => other !== own);
      this.#send(own);
    });
    own.line.classList.remove("pending");
    own.line.classList.add("doubtful");
    this.#mark(own, why, again);
  }
  #mark({ line }, ...content) {
    line.querySelector(".fate")?.remove();
    line.append(make("p", "fate", ...content));
  }
};
function taken(owns, text) {
  const index = owns.findIndex((own) => own.text === text);
  return index < 0 ? void 0 : owns.splice(index, 1)[0];
}

// pages/chat.ts
var lines = new Lines();
var outbox = new Outbox(lines, () => socket);
var input = byId("chat-input");
var settings = byId("settings");
var me = identity();
var known = { user: me.name };
var unread = 0;
var pingedAt;
var socket = join();
function join() {
  const { name, room } = me;
  known = { user: name };
  keep(me);
  setText(byId("room"), room);
  setText(byId("me"), name);
  setText(byId("online"), "");
  input.placeholder = `Write to #${room}`;
  title();
  const url = `/chat/${encodeURIComponent(room)}?${new URLSearchParams({ name })}`;
  const joined = connect(url, {
    onmessage: (message) => socket === joined && heard(message),
    onerror: (source, cause) => console.warn(source, cause),
    onstate: (state) => socket === joined && show(state),
    onclose: () => socket === joined && outbox.closed(),
    onopen: () => socket === joined && outbox.opened(),
    ondrop: (data) => socket === joined && outbox.dropped(data)
  });
  show(joined.state);
  return joined;
}
function heard({ cmd, param, from }) {
  const said = param ?? {};
  switch (cmd) {
    case "welcome":
      known = { id: said.id, user: String(said.user ?? me.name) };
      setText(byId("me"), known.user);
      return online(said.numClients);
    case "stats":
      return online(said.numClients);
    case "user-joined":
      return lines.note(`${said.user} joined`);
    case "user-left":
      return lines.note(`${said.user} left`);
    case "chat":
      return chatted(String(said.user), String(said.text), Number(said.time) || Date.now(), from);
    case "pong":
      return pong();
    case "resumed":
      return said.complete === false ? missing(void 0) : void 0;
    case "gap":
      return missing(said.missed);
    case "error":
      return lines.note(String(said.message ?? "The server refused."), "bad");
    default:
      return lines.note(`Unknown message: ${cmd}`);
  }
}
function chatted(user, text, time, from) {
  const mine = from === void 0 ? user === known.user : from === String(known.id);
  if (mine && outbox.confirm(text, user, time)) return;
  lines.add({ user, text, time, mine: false });
  if (document.hidden) unread += 1;
  title();
}
function missing(count) {
  if (typeof count !== "number") lines.note("Messages may be missing");
  else lines.note(count === 1 ? "1 message is missing" : `${count} messages are missing`);
}
function pong() {
  const took = pingedAt === void 0 ? "" : `, ${(performance.now() - pingedAt).toFixed(1)} ms`;
  pingedAt = void 0;
  lines.note(`Pong from the server${took}`);
}
function online(count) {
  if (typeof count === "number") setText(byId("online"), `${count} online`);
}
byId("chat-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = input.value.trim();
  input.value = "";
  input.focus();
  if (text === "") return;
  if (text !== "/ping") return outbox.say(text, known.user);
  pingedAt = performance.now();
  socket.emit("ping");
});
byId("open-settings").addEventListener("click", () => {
  byId("name").value = me.name;
  byId("room-name").value = me.room;
  settings.showModal();
});
byId("settings-cancel").addEventListener("click", () => settings.close());
byId("settings-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = byId("name").value.trim() || me.name;
  const room = byId("room-name").value.trim().replace(/^#+/, "") || me.room;
  settings.close();
  if (room !== me.room) lines.clear();
  if (name === me.name && room === me.room && socket.state.name === "open") return;
  me = { name, room };
  outbox.clear();
  const before = socket;
  socket = join();
  before.disconnect();
  input.focus();
});
byId("try-now").addEventListener("click", () => socket.connect());
function show(state) {
  const label = byId("state");
  const texts = { connecting: "Connecting…", open: "Connected", waiting: "Reconnecting", closed: "Disconnected" };
  setText(label, texts[state.name]);
  label.className = `state ${state.name}`;
  byId("banner").hidden = state.name === "open" || state.name === "connecting" && state.attempt === 1;
  setText(byId("try-now"), state.name === "closed" ? "Connect" : "Try now");
  byId("try-now").hidden = state.name === "connecting";
  if (state.name !== "open") setText(byId("online"), "");
  countdown(state);
}
function countdown(state) {
  setText(byId("banner-text"), explain(state));
  if (state.name === "waiting") {
    setTimeout(() => socket?.state === state && countdown(state), 250);
  }
}
function explain(state) {
  switch (state.name) {
    case "waiting":
      return `The connection is lost. Next attempt in ${secondsUntil(state.at)} s; what you write meanwhile is sent then.`;
    case "connecting":
      return "The connection is lost. Trying again…";
    case "closed":
      return `The server closed the connection (${state.closed.code}${state.closed.reason ? `, ${state.closed.reason}` : ""}).`;
    default:
      return "";
  }
}
function title() {
  document.title = `${unread > 0 ? `(${unread}) ` : ""}#${me.room} · Sockeye`;
}
document.addEventListener("visibilitychange", () => {
  unread = 0;
  title();
});
if (matchMedia("(pointer: fine)").matches) input.focus();
