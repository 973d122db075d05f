#!/usr/bin/env node
// Pictures of both pages, in web/screenshots: wide and on a phone, light and dark. They are for eyes; nothing compares them.

import { mkdirSync, writeFileSync } from "node:fs";
import { WebSocket } from "ws";
import { TOKEN, start } from "./mock.mjs";
import { Browser } from "./tests/support/chromium.mjs";

const OUT = new URL("screenshots/", import.meta.url);
const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844, phone: true } };
const ROOMS = {
  "desktop-light": "upstream",
  "desktop-dark": "harbour",
  "phone-light": "release",
  "phone-dark": "night-shift",
};
const only = process.argv[2] ?? "";

const server = await start({ people: 86, history: true, node: true });
const browser = await Browser.start();
mkdirSync(OUT, { recursive: true });

const save = (name, png) => writeFileSync(new URL(`${name}.png`, OUT), png);
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Somebody else in the room. */
async function guest(name, room) {
  const peer = new WebSocket(`${server.url.replace("http", "ws")}/chat/${room}?name=${encodeURIComponent(name)}`);
  await new Promise((resolve) => peer.once("open", resolve));
  return { say: (text) => peer.send(JSON.stringify({ cmd: "chat", param: { text } })), leave: () => peer.close() };
}

async function say(tab, text) {
  await tab.fill("#chat-input", text);
  await tab.press("Enter");
  await sleep(30);
}

async function chat(name, size) {
  const room = ROOMS[name];
  const tab = await browser.open(`${server.url}/?room=${room}&name=Marit`, size);
  await tab.until("document.querySelector('#online').textContent");
  save(`chat-empty-${name}`, await tab.picture());
  const ada = await guest("Ada", room);
  const grace = await guest("Grace", room);
  await sleep(50);
  ada.say("Morning! The new build is on the staging machine.");
  await sleep(30);
  ada.say("Reconnects look right now: I killed the server three times, and nothing was lost.");
  await sleep(30);
  await say(tab, "Three times? Brave. What did the queue say?");
  grace.say(
    "It held 14 messages and sent them in order when the connection was back. I have the log, if anybody wants to read it before lunch.",
  );
  await sleep(30);
  await say(tab, "Please. And thank you both");
  await say(tab, "I'll write it up");
  const edsger = await guest("Edsger van der Meulen", room);
  await sleep(30);
  edsger.say(
    "Sorry, late. A very long word breaks, too: Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft.",
  );
  await sleep(30);
  grace.leave();
  await sleep(60);
  save(`chat-${name}`, await tab.picture());
  await tab.click("#open-settings");
  save(`chat-settings-${name}`, await tab.picture());
  await tab.click("#settings-cancel");
  return tab;
}

async function lost(name, tab) {
  await tab.until("document.querySelector('#state').textContent === 'Reconnecting'");
  await say(tab, "This one waits for the connection.");
  await sleep(100);
  save(`chat-lost-${name}`, await tab.picture());
}

async function admin(name, size) {
  const tab = await browser.open(`${server.url}/admin`, size);
  save(`admin-sign-in-${name}`, await tab.picture());
  await tab.fill("#token", TOKEN);
  await tab.press("Enter");
  await tab.until("document.querySelector('#connections tbody tr')");
  await tab.click("#tap-toggle");
  await sleep(4_000);
  await tab.is("scrollTo(0, 0)");
  save(`admin-${name}`, await tab.picture());
  save(`admin-whole-${name}`, await tab.picture(true));
  await tab.click("#connections tbody tr button.close");
  await sleep(50);
  save(`admin-close-${name}`, await tab.picture());
}

const all = Object.entries(SIZES).flatMap(([name, size]) => [
  [`${name}-light`, size],
  [`${name}-dark`, { ...size, dark: true }],
]);
const chats = [];
if (only !== "chat") for (const [name, size] of all) await admin(name, size);
if (only !== "admin") for (const [name, size] of all) chats.push([name, await chat(name, size)]);
await server.stop();
for (const [name, tab] of chats) await lost(name, tab);
for (const [, tab] of chats) if (tab.complaints.length > 0) console.log(tab.complaints);
await browser.stop();
