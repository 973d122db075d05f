// The admin page: everything on it comes over one WebSocket, which the token opens. Not here: what stands where.

import { connect, type Closed, type Message, type Socket, type State } from "../src/socket";
import { Desk, PAGE, ROWS } from "./desk";
import { byId, secondsUntil, setText } from "./dom";
import { SendForm } from "./send";
import type { ConnectionRow, Snapshot } from "./snapshot";
import { Tap } from "./tap";

const TOKEN = "sockeye.token";

let socket: Socket | undefined;
let offset = 0;
let chosen: ConnectionRow | undefined;

const tap = new Tap(() => socket);
const sendForm = new SendForm(() => socket);
const desk = new Desk({ close: ask, sendTo: (room) => sendForm.fill(room) });
const filter = byId<HTMLInputElement>("filter");
const dialog = byId<HTMLDialogElement>("close-dialog");

// Signing in and out.

byId("sign-in-form").addEventListener("submit", (event) => {
  event.preventDefault();
  signIn(byId<HTMLInputElement>("token").value.trim());
});

byId("sign-out").addEventListener("click", () => signedOut(""));

function signIn(token: string): void {
  setText(byId("sign-in-problem"), "");
  let opened = false;
  const mine = connect("/admin/socket", {
    protocols: ["sockeye.admin", `token.${token}`],
    onopen() {
      opened = true;
      sessionStorage.setItem(TOKEN, token);
      byId<HTMLInputElement>("token").value = "";
      show(true);
      watch();
      tap.opened();
    },
    onmessage: (message) => socket === mine && heard(message),
    onstate: (state) => socket === mine && tell(state),
    onclose: (closed) => socket === mine && !opened && void refused(closed),
    onerror: (source, cause) => source !== "socket" && console.warn(source, cause),
    // A token that never opened anything is asked for again.
    reconnect: () => opened,
  });
  socket = mine;
  tell(mine.state);
}

/** A browser does not tell a page why there is no WebSocket; whether the server answers at all, it does. */
async function refused({ reason }: Closed): Promise<void> {
  const answers = await fetch("/healthz").then(
    ({ ok }) => ok,
    () => false,
  );
  signedOut(reason || (answers ? "The server does not take this token." : "The server does not answer."));
}

function signedOut(why: string): void {
  sessionStorage.removeItem(TOKEN);
  const before = socket;
  socket = undefined;
  before?.disconnect();
  show(false);
  setText(byId("sign-in-problem"), why);
  byId<HTMLInputElement>("token").select();
}

function show(signedIn: boolean): void {
  byId("sign-in").hidden = signedIn;
  byId("desk").hidden = !signedIn;
  if (!signedIn) byId("token").focus();
}

// What the server says.

function heard({ cmd, param }: Message): void {
  switch (cmd) {
    case "snapshot":
      desk.show(param as Snapshot, offset);
      return sendForm.know(param as Snapshot);
    case "tap":
      return tap.add(param as Parameters<Tap["add"]>[0]);
    case "tap-lost":
      return tap.lost(Number((param as { count?: number }).count ?? 0));
    default:
      console.warn(`unhandled websocket command [${cmd}]`);
  }
}

// What is looked at.

function watch(): void {
  const wanted = filter.value.trim();
  socket?.emit("watch", { ...(wanted ? { filter: wanted } : {}), ...(offset ? { offset } : {}), limit: ROWS });
}

function turn(to: number): void {
  offset = Math.max(0, to);
  watch();
}

let typing: number | undefined;
filter.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => turn(0), 200);
});
byId("page-back").addEventListener("click", () => turn(offset - PAGE));
byId("page-on").addEventListener("click", () => turn(offset + PAGE));

// Closing a connection, which is asked about first.

function ask(row: ConnectionRow): void {
  chosen = row;
  setText(byId("close-who"), `${row.id}${row.user ? `, ${row.user},` : ""} from ${row.addr} on ${row.path}`);
  setText(byId("close-problem"), "");
  dialog.showModal();
  byId("close-cancel").focus();
}

byId("close-cancel").addEventListener("click", () => dialog.close());

byId("close-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const code = byId<HTMLInputElement>("close-code").valueAsNumber;
  const reason = byId<HTMLInputElement>("close-reason").value;
  try {
    await socket?.request("close", { id: chosen?.id, code, ...(reason ? { reason } : {}) });
    dialog.close();
  } catch (error) {
    setText(byId("close-problem"), (error as Error).message);
  }
});

// Whether there is a connection.

byId("try-now").addEventListener("click", () => socket?.connect());

function tell(state: State): void {
  const texts = { connecting: "Connecting…", open: "Live", waiting: "Reconnecting", closed: "Disconnected" };
  setText(byId("state"), texts[state.name]);
  byId("state").className = `state ${state.name}`;
  byId("banner").hidden = state.name === "open";
  countdown(state);
}

function countdown(state: State): void {
  const next = state.name === "waiting" ? ` Next attempt in ${secondsUntil(state.at)} s.` : "";
  const gone =
    state.name === "closed"
      ? ` The server closed it (${state.closed.code}${state.closed.reason ? `, ${state.closed.reason}` : ""}).`
      : "";
  setText(byId("banner-text"), `These figures are old: there is no connection.${gone}${next}`);
  if (state.name === "waiting") setTimeout(() => socket?.state === state && countdown(state), 250);
}

const kept = sessionStorage.getItem(TOKEN);
if (kept) signIn(kept);
else show(false);
