#!/usr/bin/env -S node --no-warnings
// Runs a WebAssembly program: `cargo test --lib --target wasm32-wasip1`, from this directory, has each test program run
// by it. Needs Node 20.
import { readFile } from "node:fs/promises";
import { WASI } from "node:wasi";

const [file, ...options] = process.argv.slice(2);
if (file === undefined || file === "--help") {
  console.log("usage: wasi.mjs FILE.wasm [OPTION...]\nexample: wasi.mjs target/wasm32-wasip1/debug/deps/sockeye_no_std-*.wasm");
  process.exit(file ? 0 : 2);
}
const wasi = new WASI({ version: "preview1", args: [file, ...options], returnOnExit: true });
const { instance } = await WebAssembly.instantiate(await readFile(file), wasi.getImportObject());
process.exitCode = wasi.start(instance);
