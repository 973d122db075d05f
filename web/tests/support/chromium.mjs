// Headless Chromium by its own protocol, over npm's ws. Not here: what the pages have to do.

import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { WebSocket } from "ws";
import { Child } from "./child.mjs";

// No window, no profile but a new one, and no conversation with anybody but this machine. Chromium's sandbox does not
// work for root, nor in most containers; the pages it opens are ours.
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-extensions",
  "--disable-breakpad",
  "--no-proxy-server",
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
  "--hide-scrollbars",
  "--remote-debugging-port=0",
];
const DEADLINE = 30_000;

/** A browser; `stop` ends it and removes what it kept. */
export class Browser {
  static async start(program = process.env.CHROMIUM || "chromium") {
    const home = mkdtempSync(join(tmpdir(), "sockeye-chromium-"));
    const argv = [...FLAGS, `--user-data-dir=${home}`, "about:blank"];
    const child = await Child.start(program, argv, {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, HOME: home },
    });
    const browser = new Browser();
    browser.stop = async () => {
      browser.socket?.close();
      await child.stop();
      rmSync(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    };
    let address;
    for await (const line of createInterface({ input: child.process.stderr })) {
      address = /^DevTools listening on (\S+)/.exec(line)?.[1];
      if (address) break;
    }
    if (!address) throw new Error(`${program} ended without a word about its address`);
    child.process.stderr.resume();
    browser.socket = new WebSocket(address, { perMessageDeflate: false });
    browser.socket.on("message", (data) => browser.#heard(JSON.parse(data)));
    await once(browser.socket, "open");
    return browser;
  }

  #last = 0;
  #calls = new Map();
  #tabs = new Map();

  call(method, params = {}, sessionId = undefined) {
    const id = ++this.#last;
    this.socket.send(JSON.stringify({ id, method, params, sessionId }));
    return new Promise((resolve, reject) => this.#calls.set(id, { resolve, reject, method }));
  }

  #heard({ id, result, error, method, params, sessionId }) {
    if (id === undefined) return this.#tabs.get(sessionId)?.heard(method, params);
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    if (error) call.reject(new Error(`${call.method}: ${error.message}`));
    else call.resolve(result);
  }

  /** A tab, with storage of its own; `dark` and the size as a screen would have them. */
  async open(url, { width = 1280, height = 800, dark = false, phone = false } = {}) {
    const { browserContextId } = await this.call("Target.createBrowserContext");
    const { targetId } = await this.call("Target.createTarget", { url: "about:blank", browserContextId });
    const { sessionId } = await this.call("Target.attachToTarget", { targetId, flatten: true });
    const tab = new Tab((method, params) => this.call(method, params, sessionId));
    this.#tabs.set(sessionId, tab);
    for (const domain of ["Page", "Runtime", "Log", "Network"]) await tab.call(`${domain}.enable`);
    await tab.call("Emulation.setDeviceMetricsOverride", {
      width,
      height,
      deviceScaleFactor: phone ? 2 : 1,
      mobile: phone,
    });
    await tab.call("Emulation.setEmulatedMedia", {
      features: [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }],
    });
    await tab.go(url);
    return tab;
  }
}

export class Tab {
  /** Whatever the page or the browser complained of. */
  complaints = [];
  /** All addresses that it asked for. */
  asked = [];
  /** All that it said over WebSockets. */
  said = [];
  /** All that it was told over them. */
  told = [];

  constructor(call) {
    this.call = call;
  }

  heard(method, params) {
    if (method === "Runtime.exceptionThrown") this.complaints.push(params.exceptionDetails.exception?.description);
    // That a server is away, which tests do, is told as an error of the network.
    if (method === "Log.entryAdded" && params.entry.source !== "network") this.complaints.push(params.entry.text);
    if (method === "Network.webSocketFrameSent") this.said.push(params.response.payloadData);
    if (method === "Network.webSocketFrameReceived") this.told.push(params.response.payloadData);
    if (method === "Network.requestWillBeSent") this.asked.push(params.request.url);
  }

  async go(url) {
    await this.call("Page.navigate", { url });
    await this.until("document.readyState === 'complete' && location.href !== 'about:blank'");
  }

  /** What an expression is in the page. */
  async is(expression) {
    const params = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await this.call("Runtime.evaluate", params);
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** Waits until an expression is true in the page: it is asked with each change of the document, and each 50 ms. */
  async until(expression) {
    const asked = `new Promise((resolve) => {
      const look = () => { const found = (${expression}); if (found || Date.now() > end) { clearInterval(timer); resolve(Boolean(found)); } };
      const end = Date.now() + ${DEADLINE};
      const timer = setInterval(look, 50);
      look();
    })`;
    if (!(await this.is(asked))) throw new Error(`this did not become true in the page: ${expression}`);
  }

  text(selector) {
    return this.is(`document.querySelector(${JSON.stringify(selector)})?.textContent`);
  }

  texts(selector) {
    return this.is(`[...document.querySelectorAll(${JSON.stringify(selector)})].map((one) => one.textContent)`);
  }

  /** Clicks where the element is, as a hand would. */
  async click(selector) {
    const { x, y } = await this.is(`(() => {
      const found = document.querySelector(${JSON.stringify(selector)});
      found.scrollIntoView({ block: "center" });
      const { left, top, width, height } = found.getBoundingClientRect();
      return { x: left + width / 2, y: top + height / 2 };
    })()`);
    for (const type of ["mousePressed", "mouseReleased"]) {
      await this.call("Input.dispatchMouseEvent", { type, x, y, button: "left", clickCount: 1 });
    }
  }

  /** Types into a field, in the place of what it says. */
  async fill(selector, text) {
    await this.is(
      `(() => { const field = document.querySelector(${JSON.stringify(selector)}); field.focus(); field.select?.(); })()`,
    );
    if (text === "") return this.press("Delete", 46);
    await this.call("Input.insertText", { text });
  }

  async press(key, code = 13) {
    const named = { key, code: key, windowsVirtualKeyCode: code, ...(key === "Enter" ? { text: "\r" } : {}) };
    await this.call("Input.dispatchKeyEvent", { type: "keyDown", ...named });
    await this.call("Input.dispatchKeyEvent", { type: "keyUp", ...named });
  }

  /** A PNG of what is seen, or of the whole page. */
  async picture(whole = false) {
    const { data } = await this.call("Page.captureScreenshot", { format: "png", captureBeyondViewport: whole });
    return Buffer.from(data, "base64");
  }
}
