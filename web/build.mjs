#!/usr/bin/env node
// Builds the client and the pages into web/dist, which is committed: nobody who builds the crate needs Node.
// `web/build.mjs DIRECTORY` builds somewhere else, which is how web/check compares.

import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const HERE = dirname(fileURLToPath(import.meta.url));
const OUT = resolve(process.argv[2] ?? join(HERE, "dist"));
const LICENCE = "/* Sockeye, the browser client. MIT OR Apache-2.0. Built from web/src. */";
const PAGES = ["index.html", "admin.html", "sockeye.css", "favicon.svg"];

/** The pages take the client from where the program serves it, as any other page would. */
const servedClient = {
  name: "served client",
  setup(on) {
    on.onResolve({ filter: /src\/socket$/ }, () => ({ path: "/sockeye.js", external: true }));
  },
};

const common = { bundle: true, format: "esm", target: "es2022", charset: "utf8", logLevel: "warning" };

async function scripts() {
  const client = join(HERE, "src/socket.ts");
  await build({ ...common, entryPoints: [client], outfile: join(OUT, "sockeye.js"), banner: { js: LICENCE } });
  for (const page of ["chat", "admin"]) {
    const banner = { js: `/* Sockeye, the ${page} page. MIT OR Apache-2.0. Built from web/pages. */` };
    const entryPoints = [join(HERE, `pages/${page}.ts`)];
    await build({ ...common, entryPoints, outfile: join(OUT, `${page}.js`), banner, plugins: [servedClient] });
  }
}

/** One file of declarations: what the compiler makes of the public modules, without their imports of each other. */
function declarations() {
  const directory = mkdtempSync(join(tmpdir(), "sockeye-dts-"));
  try {
    const tsc = join(HERE, "node_modules/typescript/bin/tsc");
    execFileSync(process.execPath, [tsc, "-p", join(HERE, "src"), "--outDir", directory], { stdio: "inherit" });
    const read = (name) => readFileSync(join(directory, `${name}.d.ts`), "utf8");
    const error = read("requests").match(/\/\*\*[^/]*\*\/\nexport declare class RequestError[\s\S]*?\n}\n/);
    const socket = read("socket").replace(
      /^(import|export) .*from .*\n|^export \{ RequestError \};\n|^export type \{.*\n/gm,
      "",
    );
    const types = read("types").replace(/^\/\/.*\n/gm, "");
    const all = [
      LICENCE + "\n",
      types,
      error[0],
      socket.replace(/^\/\/.*\n/gm, "").replaceAll(/\bPayload\b/g, "string | Blob | BufferSource"),
    ];
    writeFileSync(
      join(OUT, "sockeye.d.ts"),
      all
        .join("\n")
        .replace(/\n{3,}/g, "\n\n")
        .trimEnd() + "\n",
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

mkdirSync(OUT, { recursive: true });
await scripts();
declarations();
for (const page of PAGES) copyFileSync(join(HERE, "pages", page), join(OUT, page));
