// The chat page: one room, by the protocol of /chat/{room}. What was said while the connection was lost comes behind it, if
// the server keeps it. Not here: what was said before the page was loaded.

import { connect, type Message, type Socket, type State } from "../src/socket";
import { byId, secondsUntil, setText } from "./dom";
import { identity, keep, type Identity } from "./identity";
import { Lines } from "./lines";
import { Outbox } from "./outbox";

const lines = new Lines();
const outbox = new Outbox(lines, () => socket);
const input = byId<HTMLInputElement>("chat-input");
const settings = byId<HTMLDialogElement>("settings");

let me: Identity = identity();
/** What the server calls this connection. */
let known: { id?: unknown; user: string } = { user: me.name };
let unread = 0;
let pingedAt: number | undefined;
let socket: Socket = join();

function join(): Socket {
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
    ondrop: (data) => socket === joined && outbox.dropped(data),
  });
  show(joined.state);
  return joined;
}

// What the server says.

function heard({ cmd, param, from }: Message): void {
  const said = (param ?? {}) as Record<string, unknown>;
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
      return said.complete === false ? missing(undefined) : undefined;
    case "gap":
      return missing(said.missed);
    case "error":
      return lines.note(String(said.message ?? "The server refused."), "bad");
    default:
      return lines.note(`Unknown message: ${cmd}`);
  }
}

function chatted(user: string, text: string, time: number, from: string | undefined): void {
  // Two may have one name; where the server says whose connection it was, that decides.
  const mine = from === undefined ? user === known.user : from === String(known.id);
  if (mine && outbox.confirm(text, user, time)) return;
  lines.add({ user, text, time, mine: false });
  if (document.hidden) unread += 1;
  title();
}

/** The server knows that we have not heard something, and perhaps how much. */
function missing(count: unknown): void {
  if (typeof count !== "number") lines.note("Messages may be missing");
  else lines.note(count === 1 ? "1 message is missing" : `${count} messages are missing`);
}

function pong(): void {
  const took = pingedAt === undefined ? "" : `, ${(performance.now() - pingedAt).toFixed(1)} ms`;
  pingedAt = undefined;
  lines.note(`Pong from the server${took}`);
}

function online(count: unknown): void {
  if (typeof count === "number") setText(byId("online"), `${count} online`);
}

// What the user does.

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
  byId<HTMLInputElement>("name").value = me.name;
  byId<HTMLInputElement>("room-name").value = me.room;
  settings.showModal();
});

byId("settings-cancel").addEventListener("click", () => settings.close());

byId("settings-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = byId<HTMLInputElement>("name").value.trim() || me.name;
  const room = byId<HTMLInputElement>("room-name").value.trim().replace(/^#+/, "") || me.room;
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

// Whether there is a connection.

function show(state: State): void {
  const label = byId("state");
  const texts = { connecting: "Connecting…", open: "Connected", waiting: "Reconnecting", closed: "Disconnected" };
  setText(label, texts[state.name]);
  label.className = `state ${state.name}`;
  byId("banner").hidden = state.name === "open" || (state.name === "connecting" && state.attempt === 1);
  setText(byId("try-now"), state.name === "closed" ? "Connect" : "Try now");
  byId("try-now").hidden = state.name === "connecting";
  if (state.name !== "open") setText(byId("online"), "");
  countdown(state);
}

/** Only what is seen counts down; a screen reader hears `#state` change, and not each second. */
function countdown(state: State): void {
  setText(byId("banner-text"), explain(state));
  if (state.name === "waiting") {
    setTimeout(() => socket?.state === state && countdown(state), 250);
  }
}

function explain(state: State): string {
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

function title(): void {
  document.title = `${unread > 0 ? `(${unread}) ` : ""}#${me.room} · Sockeye`;
}

document.addEventListener("visibilitychange", () => {
  unread = 0;
  title();
});

// A phone would cover half of the page with its keyboard.
if (matchMedia("(pointer: fine)").matches) input.focus();
