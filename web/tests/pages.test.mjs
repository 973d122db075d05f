// Both pages in headless Chromium, as a user sees and uses them. By itself this asks web/mock.mjs; with SOCKEYE=PATH, the
// program (see support/serve.mjs). Whatever a page or the browser complains of fails the test, which is how it is known
// that the pages keep to the strictest policy.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Browser } from "./support/chromium.mjs";
import { TOKEN, serve } from "./support/serve.mjs";

const PHONE = { width: 360, height: 640, phone: true };
let browser;

before(async () => {
  browser = await Browser.start();
});
after(() => browser?.stop());

/** A server, and what opens its pages; in the end, no page may have complained, or have asked anybody else. */
async function stage(context) {
  const server = await serve();
  const tabs = [];
  context.after(() => server.stop());
  const open = async (path, options) => {
    const tab = await browser.open(server.url + path, options);
    tabs.push(tab);
    return tab;
  };
  const calm = () => {
    for (const { complaints, asked } of tabs) {
      assert.deepEqual(complaints, []);
      assert.deepEqual(
        asked.filter((url) => !url.startsWith(`${server.url}/`)),
        [],
      );
    }
  };
  return { server, open, calm };
}

async function join(open, name, room, options) {
  const tab = await open(`/?${new URLSearchParams({ name, room })}`, options);
  await tab.until("document.querySelector('#online').textContent !== ''");
  return tab;
}

async function say(tab, text) {
  await tab.fill("#chat-input", text);
  await tab.press("Enter");
}

const count = (selector, number) => `document.querySelectorAll(${JSON.stringify(selector)}).length === ${number}`;
const shows = (selector, text) =>
  `document.querySelector(${JSON.stringify(selector)})?.textContent === ${JSON.stringify(text)}`;
const LAST = "#messages > div:last-child";

test("B0.28 B3.26 the form: Enter and the button send, blanks are trimmed, nothing is not sent, the field is cleared", async (context) => {
  const { open, calm } = await stage(context);
  const tab = await join(open, "Ada", "form");
  await say(tab, "  by Enter  ");
  await tab.until(shows("#messages .line:nth-child(1) .text", "by Enter"));
  assert.equal(await tab.is("document.querySelector('#chat-input').value"), "");
  await tab.fill("#chat-input", "by the button");
  await tab.click("#chat-form button");
  await tab.until(count("#messages .line", 2));
  await say(tab, "   ");
  assert.equal(await tab.is("document.querySelector('#chat-input').value"), "");
  await say(tab, "last");
  await tab.until(`${count("#messages .line", 3)} && ${count("#messages .pending", 0)}`);
  assert.deepEqual(await tab.texts("#messages .text"), ["by Enter", "by the button", "last"]);
  calm();
});

test("B3.27 each message is a div of #messages, and is text whatever it says", async (context) => {
  const { open, calm } = await stage(context);
  const evil = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>";
  const [ada, grace] = [await join(open, "Ada", "html"), await join(open, "<b>Grace</b>", "html")];
  await say(grace, evil);
  await ada.until(shows(`${LAST} .text`, evil));
  assert.equal(await ada.text(`${LAST} .who`), "<b>Grace</b>");
  assert.equal(await ada.is("document.querySelectorAll('#messages img, #messages script, #messages b').length"), 0);
  assert.equal(
    await ada.is("[...document.querySelector('#messages').children].every((one) => one.tagName === 'DIV')"),
    true,
  );
  assert.notEqual(await ada.is("document.title"), "owned");
  calm();
});

test("B3.25 welcome, joins, leaves, stats, pong, errors, and messages that the page does not know", async (context) => {
  const { open, calm } = await stage(context);
  const ada = await join(open, "Ada", "cases");
  await ada.until(shows("#online", "1 online"));
  const grace = await join(open, "Grace", "cases");
  await ada.until(`${shows("#online", "2 online")} && ${shows(LAST, "Grace joined")}`);
  await grace.until(shows("#online", "2 online"));
  await say(ada, "/ping");
  await ada.until(
    `/^Pong from the server, [\\d.]+ ms$/.test(document.querySelector(${JSON.stringify(LAST)}).textContent)`,
  );
  await grace.until(shows(LAST, "Pong from the server"));
  await grace.go("about:blank#gone");
  await ada.until(`${shows("#online", "1 online")} && ${shows(LAST, "Grace left")}`);
  calm();
});

test(
  "B3.25 what the page does not know is named",
  { skip: process.env.SOCKEYE ? "only the mock says it" : false },
  async (context) => {
    const { server, open, calm } = await stage(context);
    const ada = await join(open, "Ada", "unknown");
    server.say("unknown", { cmd: "dance" });
    await ada.until(shows(LAST, "Unknown message: dance"));
    server.say("unknown", { cmd: "error", param: { message: "not so fast" } });
    await ada.until(shows(LAST, "not so fast"));
    server.say("unknown", { cmd: "gap", param: { missed: 3 } });
    await ada.until(shows(LAST, "3 messages are missing"));
    server.say("unknown", { cmd: "gap", param: { missed: 1 } });
    await ada.until(shows(LAST, "1 message is missing"));
    server.say("unknown", { cmd: "gap", param: { missed: null } });
    await ada.until(shows(LAST, "Messages may be missing"));
    calm();
  },
);

test("who has the same name is somebody else", async (context) => {
  const { open, calm } = await stage(context);
  const [first, second] = [await join(open, "Ada", "twins"), await join(open, "Ada", "twins")];
  await say(first, "said by one");
  for (const tab of [first, second])
    await tab.until(`${count("#messages .line", 1)} && ${count("#messages .pending", 0)}`);
  assert.equal(await first.is("document.querySelector('#messages .line').classList.contains('mine')"), true);
  assert.equal(await second.is("document.querySelector('#messages .line').classList.contains('mine')"), false);
  calm();
});

test("two pages talk in a room, and a third in another room sees nothing", async (context) => {
  const { open, calm } = await stage(context);
  const ada = await join(open, "Ada", "one");
  const grace = await join(open, "Grace", "one");
  const edsger = await join(open, "Edsger", "two");
  await say(ada, "hello, Grace");
  await grace.until(shows(`${LAST} .text`, "hello, Grace"));
  assert.equal(await grace.text(`${LAST} .who`), "Ada");
  assert.equal(await grace.is("document.querySelector('#messages .line').classList.contains('mine')"), false);
  assert.equal(await ada.is("document.querySelector('#messages .line').classList.contains('mine')"), true);
  await say(edsger, "anybody?");
  await edsger.until(`${count("#messages .line", 1)} && ${count("#messages .pending", 0)}`);
  assert.deepEqual(await edsger.texts("#messages .text"), ["anybody?"]);
  assert.deepEqual(await edsger.texts("#messages .note"), []);
  calm();
});

test("name and room can be changed, and the address says the room", async (context) => {
  const { open, calm } = await stage(context);
  const ada = await join(open, "Ada", "before");
  await say(ada, "said before");
  await ada.click("#open-settings");
  await ada.fill("#name", "Augusta");
  await ada.fill("#room-name", "#after");
  await ada.press("Enter");
  await ada.until(`${shows("#room", "after")} && ${shows("#online", "1 online")}`);
  assert.equal(await ada.text("#me"), "Augusta");
  assert.equal(await ada.is("location.search"), "?room=after");
  assert.deepEqual(await ada.texts("#messages .text"), []);
  const grace = await join(open, "Grace", "after");
  await say(ada, "here");
  await grace.until(shows(`${LAST} .who`, "Augusta"));
  await ada.go(await ada.is("location.href"));
  await ada.until(shows("#me", "Augusta"));
  calm();
});

test("the server goes away and comes back: the page says so, counts down, and what waited arrives once", async (context) => {
  const { server, open, calm } = await stage(context);
  const ada = await join(open, "Ada", "away");
  const grace = await join(open, "Grace", "away");
  await server.stop();
  for (const tab of [ada, grace]) await tab.until(shows("#state", "Reconnecting"));
  await ada.until("/Next attempt in \\d+ s/.test(document.querySelector('#banner-text').textContent)");
  await say(ada, "first");
  await say(ada, "second");
  await ada.until(`${count("#messages .pending", 2)} && ${shows(`${LAST} .fate`, "Waits for the connection")}`);
  // Grace first, or she would not hear what waited: meanwhile, Ada's timers stand.
  await ada.call("Page.setWebLifecycleState", { state: "frozen" });
  await server.restart();
  await grace.is("document.querySelector('#try-now').click()");
  await grace.until(shows("#state", "Connected"));
  await ada.call("Page.setWebLifecycleState", { state: "active" });
  await ada.is("document.querySelector('#try-now').click()");
  await grace.until(shows(`${LAST} .text`, "second"));
  await ada.until(`${shows("#state", "Connected")} && ${count("#messages .pending, #messages .fate", 0)}`);
  assert.equal(await ada.is("document.querySelector('#banner').hidden"), true);
  assert.deepEqual(await grace.texts("#messages .text"), ["first", "second"]);
  assert.deepEqual(await ada.texts("#messages .text"), ["first", "second"]);
  calm();
});

const KEEPS = { skip: process.env.SOCKEYE ? "only the mock loses a single connection" : false };

test("what is said while the connection is lost comes behind it, once, and leaves no doubt", KEEPS, async (context) => {
  const { server, open, calm } = await stage(context);
  const ada = await join(open, "Ada", "lost");
  const grace = await join(open, "Grace", "lost");
  await say(ada, "before");
  await ada.until(`${count("#messages .line", 1)} && ${count("#messages .pending", 0)}`);
  server.silence("lost", "Ada");
  await say(ada, "said and not heard");
  await grace.until(shows(`${LAST} .text`, "said and not heard"));
  server.drop("lost", "Ada");
  // She may be back before that is seen: then there was nothing to doubt for long.
  await grace.until(`[...document.querySelectorAll(".note")].some((one) => one.textContent === "Ada left")`);
  await say(grace, "where is she?");
  await ada.is("document.querySelector('#try-now').click()");
  await ada.until(shows(`${LAST} .text`, "where is she?"));
  await ada.until(count("#messages .pending, #messages .fate", 0));
  assert.deepEqual(await ada.texts("#messages .text"), ["before", "said and not heard", "where is she?"]);
  assert.deepEqual(await ada.texts("#messages .mine .text"), ["before", "said and not heard"]);
  assert.equal((await ada.texts("#messages .note")).includes("Messages may be missing"), false);
  calm();
});

test("where the server does not know any more what was missed, the page says so, quietly", KEEPS, async (context) => {
  const { server, open, calm } = await stage(context);
  const ada = await join(open, "Ada", "anew");
  await say(ada, "before");
  await ada.until(`${count("#messages .line", 1)} && ${count("#messages .pending", 0)}`);
  await server.stop();
  await ada.until(shows("#state", "Reconnecting"));
  await server.restart();
  await ada.is("document.querySelector('#try-now').click()");
  await ada.until(shows("#state", "Connected"));
  await ada.until(
    "[...document.querySelectorAll('.note')].some((one) => one.textContent === 'Messages may be missing')",
  );
  assert.equal(await ada.is("document.querySelectorAll('.note.bad').length"), 0);
  calm();
});

test("nothing is wider than the smallest phone, nor without a name for those who do not see", async (context) => {
  const { open, calm } = await stage(context);
  const chat = await join(open, "A name that is quite long, really", `${"long-room-name-".repeat(4)}`, PHONE);
  await say(chat, `${"x".repeat(300)} ${"words and ".repeat(30)}`);
  await chat.until(count("#messages .line", 1));
  const admin = await open("/admin", PHONE);
  await signIn(admin, TOKEN);
  await admin.until(LIVE);
  for (const tab of [chat, admin]) {
    const wide =
      "[...document.querySelectorAll('html, main, .scroll')].filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.outerHTML.slice(0, 99))";
    assert.deepEqual(await tab.is(wide), []);
    const { nodes } = await tab.call("Accessibility.getFullAXTree");
    const controls = nodes.filter(
      ({ ignored, role }) => !ignored && ["button", "textbox", "combobox", "searchbox", "image"].includes(role?.value),
    );
    assert.ok(controls.length >= 3);
    assert.deepEqual(
      controls.filter(({ name }) => !name?.value).map(({ role }) => role.value),
      [],
    );
    // Chromium takes a placeholder for a name; not all screen readers do.
    const unlabelled =
      "[...document.querySelectorAll('input, select, textarea')].filter((one) => one.labels.length === 0).map((one) => one.id)";
    assert.deepEqual(await tab.is(unlabelled), []);
  }
  calm();
});

// The admin page.

/** The first snapshot is there. */
const LIVE = "/\\d/.test(document.querySelector('#tiles dd').textContent)";

async function signIn(tab, token) {
  await tab.fill("#token", token);
  await tab.press("Enter");
}

test("B3.34 the token opens the page, and stays with the tab alone", async (context) => {
  const { open, calm } = await stage(context);
  const tab = await open("/admin");
  await signIn(tab, "wrong");
  await tab.until(shows("#sign-in-problem", "The server does not take this token."));
  assert.equal(await tab.is("sessionStorage.length"), 0);
  await signIn(tab, TOKEN);
  await tab.until(shows("#state", "Live"));
  assert.deepEqual(await tab.is("[Object.values(sessionStorage), localStorage.length, document.cookie]"), [
    [TOKEN],
    0,
    "",
  ]);
  await tab.go(await tab.is("location.href"));
  await tab.until(shows("#state", "Live"));
  await tab.click("#sign-out");
  await tab.until("!document.querySelector('#sign-in').hidden");
  assert.equal(await tab.is("sessionStorage.length"), 0);
  calm();
});

test("B3.34 the admin page is live: who is there, how much is said, and which rooms there are", async (context) => {
  const { open, calm } = await stage(context);
  const tab = await open("/admin");
  await signIn(tab, TOKEN);
  await tab.until(`${LIVE} && ${count("#tiles dd", 8)}`);
  await tab.until("[...document.querySelectorAll('#tiles dd')].every((one) => /\\d/.test(one.textContent))");
  await tab.until("[...document.querySelectorAll('.curve')].every((one) => one.getAttribute('d').includes('L'))");
  await join(open, "Somebody new", "live");
  await tab.fill("#filter", "Somebody new");
  await tab.until(`${count("#connections tbody tr", 1)} && ${shows("#connections td[data-label=Path]", "/chat/live")}`);
  await tab.until("[...document.querySelectorAll('#rooms td:first-child')].some((one) => one.textContent === 'live')");
  calm();
});

test("B3.34 one connection is closed, after a question", async (context) => {
  const { open, calm } = await stage(context);
  const ada = await join(open, "Ada to be closed", "closing");
  const tab = await open("/admin");
  await signIn(tab, TOKEN);
  await tab.until(LIVE);
  await tab.fill("#filter", "Ada to be closed");
  await tab.until(count("#connections tbody tr", 1));
  await tab.click("#connections button.close");
  await tab.until("document.querySelector('#close-dialog').open");
  await tab.click("#close-cancel");
  assert.equal(await ada.text("#state"), "Connected");
  await tab.click("#connections button.close");
  await tab.fill("#close-code", "4004");
  await tab.fill("#close-reason", "enough");
  await tab.press("Enter");
  await ada.until(shows("#banner-text", "The server closed the connection (4004, enough)."));
  await tab.until(`!document.querySelector('#close-dialog').open && ${count("#connections tbody tr", 0)}`);
  calm();
});

test("B3.34 the form sends to a room, a connection and all, and says so", async (context) => {
  const { open, calm } = await stage(context);
  const ada = await join(open, "Ada", "told");
  await join(open, "Edsger", "not-told");
  const tab = await open("/admin");
  await signIn(tab, TOKEN);
  await tab.until(LIVE);
  await tab.fill("#send-cmd", "chat");
  await tab.fill("#send-param", "{nonsense");
  await tab.click("#send-form button");
  await tab.until("document.querySelector('#send-result').textContent.startsWith('The param is not JSON')");
  await tab.fill("#send-param", '{"user": "the house", "text": "to all"}');
  await tab.click("#send-form button");
  await tab.until("/^sent message, to \\d+ connections?$/.test(document.querySelector('#send-result').textContent)");
  await ada.until(shows(`${LAST} .text`, "to all"));
  await tab.fill("#filter", "told");
  await tab.until("[...document.querySelectorAll('#rooms td:first-child')].some((one) => one.textContent === 'told')");
  await tab.is(
    "[...document.querySelectorAll('#rooms tr')].find((one) => one.cells[0].textContent === 'told').querySelector('button').click()",
  );
  assert.equal(await tab.is("document.querySelector('#send-room').value"), "told");
  await tab.fill("#send-param", '{"user": "the house", "text": "to the room"}');
  await tab.click("#send-form button");
  await tab.until(shows("#send-result", "sent message, to 1 connection"));
  await ada.until(shows(`${LAST} .text`, "to the room"));
  calm();
});

test("B3.35 the tap shows what is said, filters it, and stops", async (context) => {
  const { open, calm } = await stage(context);
  const ada = await join(open, "Ada", "tapped");
  const tab = await open("/admin");
  await signIn(tab, TOKEN);
  await tab.until(LIVE);
  await tab.click("#tap-toggle");
  await tab.until(shows("#tap-toggle", "Stop"));
  const said = (text) =>
    `[...document.querySelectorAll('#tap .tapped:not([hidden])')].some((one) => one.textContent.includes(${JSON.stringify(text)}))`;
  // The page may have asked before the server knows: said again until it is seen.
  await say(ada, "for the tap");
  await tab.until(said("for the tap"));
  await tab.fill("#tap-filter", "nobody says this");
  assert.equal(await tab.is(said("for the tap")), false);
  await tab.fill("#tap-filter", "FOR THE TAP");
  assert.equal(await tab.is(said("for the tap")), true);
  await tab.click("#tap-toggle");
  await tab.until(shows("#tap-toggle", "Start"));
  await tab.click("#tap-clear");
  await say(ada, "not for the tap");
  await ada.until(`${count("#messages .line", 2)} && ${count("#messages .pending", 0)}`);
  assert.equal(await tab.is("document.querySelector('#tap').childElementCount"), 0);
  const asked = tab.said.map((frame) => JSON.parse(frame)).filter(({ cmd }) => cmd === "tap");
  assert.deepEqual(
    asked.map(({ param }) => param),
    [{ on: true }, { on: false }],
    "the server is told to stop, too",
  );
  calm();
});
