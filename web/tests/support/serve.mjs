// What the pages are served by: web/mock.mjs, or with SOCKEYE=PATH the program, `PATH serve`.

import { createInterface } from "node:readline";
import { TOKEN, start } from "../../mock.mjs";
import { Child } from "./child.mjs";

export { TOKEN };

/** A server on a port of its own; `restart` has it come back there after `stop`. */
export async function serve() {
  const begin = process.env.SOCKEYE ? program : start;
  let running = await begin({ port: 0 });
  const { url, port } = running;
  return {
    url,
    stop: async () => {
      await running?.stop();
      running = undefined;
    },
    restart: async () => {
      running = await begin({ port });
    },
    /** Has the mock say something to everybody in a room. */
    say: (room, message) => running.say(room, message),
    /** Has the mock lose what it has to say to whoever has this name in a room, and then the connection. */
    silence: (room, name) => running.silence(room, name),
    drop: (room, name) => running.drop(room, name),
  };
}

async function program({ port }) {
  const argv = ["serve", "--listen", `127.0.0.1:${port}`];
  const env = { ...process.env, SOCKEYE_ADMIN_TOKEN: TOKEN };
  const child = await Child.start(process.env.SOCKEYE, argv, { stdio: ["ignore", "pipe", "inherit"], env });
  for await (const line of createInterface({ input: child.process.stdout })) {
    const found = /^listening on ws:\/\/(127\.0\.0\.1:(\d+))/.exec(line);
    if (!found) continue;
    child.process.stdout.resume();
    return { url: `http://${found[1]}`, port: Number(found[2]), stop: () => child.stop() };
  }
  throw new Error(`${process.env.SOCKEYE} serve ended without a word about its address`);
}
