// Two nodes of the program behind nginx, pages on both, and one node after the other is killed. Needs SOCKEYE=PATH,
// redis-server and nginx; where they are not there it says so, and with SOCKEYE_BROKERS=all that is a failure.
//
// Not here: that nothing is noted as missing. A node that dies may have had something to say that nobody keeps, and so
// those who stay are told of a gap, `{"missed":null}`, seconds later. Of what is kept, `resumed` says whether it is all.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Browser } from "./support/chromium.mjs";
import { TOKEN, missing, nodes, until } from "./support/nodes.mjs";

/** Lines that somebody says in a row. */
const ROUND = 40;

/** Pages of one room, and what was said there. */
class Room {
  said = [];

  constructor(browser, cluster) {
    Object.assign(this, { browser, cluster });
  }

  /** A page on this node; without one, on any. nginx decides, so this may take several. */
  async join(name, wanted) {
    const before = await this.cluster.connections();
    const online = before[0] + before[1];
    for (;;) {
      const tab = await this.browser.open(`${this.cluster.url}/?${new URLSearchParams({ name, room: "nodes" })}`);
      await connected(tab);
      const counts = await this.are(online + 1);
      const node = counts.findIndex((count, index) => count > before[index]);
      // Whoever comes back does so when all this was said, and not before.
      await tab.is("Math.random = () => 0.9");
      if (wanted === undefined || node === wanted) return { tab, node, from: this.said.length };
      await tab.go("about:blank#gone");
      await this.are(online);
    }
  }

  /** Waits until there are so many connections, and says on which node. */
  are(wanted) {
    return until(`${wanted} connections`, async () => {
      const counts = await this.cluster.connections();
      return counts[0] + counts[1] === wanted && counts;
    });
  }

  /** Has somebody say the next lines, without waiting for anybody to hear them. */
  async speak({ tab }, lines) {
    for (let count = 0; count < lines; count += 1) {
      this.said.push(`line ${this.said.length + 1}`);
      await tab.fill("#chat-input", this.said.at(-1));
      await tab.press("Enter");
    }
  }

  /** Everybody shows every line since they came, once and in order, and is sure of their own. */
  async isShownTo(...pages) {
    for (const { tab, from } of pages) {
      const last = JSON.stringify(this.said.at(-1));
      await tab.until(`[...document.querySelectorAll("#messages .text")].at(-1)?.textContent === ${last}`);
      await tab.until("document.querySelectorAll('#messages .pending').length === 0");
      assert.deepEqual(await tab.texts("#messages .text"), this.said.slice(from));
      assert.deepEqual(await tab.texts("#messages .fate"), []);
      assert.deepEqual(tab.complaints, []);
    }
  }
}

const connected = (tab) => tab.until("document.querySelector('#state').textContent === 'Connected'");

/** What the server has said of the page's last connection: it had missed something, and got all of it. */
function resumed({ tab }) {
  const { param } = tab.told.map((text) => JSON.parse(text)).findLast(({ cmd }) => cmd === "resumed");
  assert.equal(param.complete, true);
  assert.ok(param.missed > 0, "nothing was said while it was away");
}

/** The admin page of a node, and what it shows of all. */
async function admin(browser, cluster, node) {
  const tab = await browser.open(cluster.admin(node));
  await tab.fill("#token", TOKEN);
  await tab.press("Enter");
  return (count, online) =>
    tab.until(
      `document.querySelector('#nodes-count').textContent === '${count}' &&
       document.querySelectorAll('#nodes tbody tr').length === ${count} &&
       document.querySelector('#nodes-online').textContent === '${online} online on all nodes' &&
       document.querySelector('#nodes-state').textContent.startsWith('Over redis://')`,
    );
}

test(
  "nodes are killed one after the other, and each page shows each line once",
  { skip: missing() },
  async (context) => {
    const browser = await Browser.start();
    context.after(() => browser.stop());
    const cluster = await nodes();
    context.after(() => cluster.stop());
    const room = new Room(browser, cluster);
    const ada = await room.join("Ada");
    const bob = await room.join("Bob", 1 - ada.node);
    for (const who of [ada, bob]) {
      await room.speak(who, 3);
      await room.isShownTo(ada, bob);
    }

    // Bob's node dies while Ada speaks, and he comes back to hers.
    await Promise.all([room.speak(ada, ROUND), cluster.kill(bob.node)]);
    await room.speak(ada, ROUND);
    await room.isShownTo(ada, bob);
    resumed(bob);
    await room.speak(bob, 3);
    await room.isShownTo(ada, bob);

    // His node is there again, with somebody else; Ada's dies, and both go over to that one.
    await cluster.start(bob.node);
    const cam = await room.join("Cam", bob.node);
    await room.speak(cam, 3);
    await room.isShownTo(ada, bob, cam);
    const shows = await admin(browser, cluster, bob.node);
    await shows(2, 4);
    await Promise.all([room.speak(cam, ROUND), cluster.kill(ada.node)]);
    await room.speak(cam, ROUND);
    await room.isShownTo(ada, bob, cam);
    for (const who of [ada, bob]) resumed(who);
    await shows(1, 4);
    for (const who of [ada, bob, cam]) {
      await room.speak(who, 3);
      await room.isShownTo(ada, bob, cam);
    }
  },
);
