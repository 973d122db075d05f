// What the admin page makes of figures: rates, spans and round tops of charts. The modules are built for the test alone.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

async function load(name) {
  const entryPoints = [fileURLToPath(new URL(`../pages/${name}.ts`, import.meta.url))];
  const { outputFiles } = await build({ entryPoints, bundle: true, format: "esm", write: false });
  return import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`);
}

const totals = (figure) => ({
  messages_in: figure,
  messages_out: 2 * figure,
  bytes_in: 10 * figure,
  bytes_out: 20 * figure,
});

test("rates are what happened between two snapshots, for each second", async () => {
  const { rates } = await load("snapshot");
  const before = { time: 1_000, uptime: 1, totals: totals(100) };
  const after = (more) => ({ time: 3_000, uptime: 3, totals: totals(150), ...more });
  assert.deepEqual(rates(before, after()), { messagesIn: 25, messagesOut: 50, bytesIn: 250, bytesOut: 500 });
  assert.equal(rates(undefined, after()), undefined, "the first one");
  assert.equal(rates(before, after({ uptime: 0 })), undefined, "the server began anew");
  assert.equal(rates(before, after({ time: 1_000 })), undefined, "no time passed");
  assert.equal(rates(before, after({ time: 500 })), undefined, "the clock was set back");
  assert.equal(rates(before, after({ time: 90_000 })), undefined, "too long ago to be called a rate");
  assert.equal(rates(before, after({ totals: totals(90) })).messagesIn, 0, "never less than nothing");
});

test("a chart ends in a round figure that is not less", async () => {
  const { above, aboveBytes } = await load("chart");
  const rows = [
    [0, 1],
    [1, 1],
    [1.1, 2],
    [3, 5],
    [10, 10],
    [11, 20],
    [86, 100],
    [101, 200],
    [4_999, 5_000],
    [5_001, 10_000],
  ];
  for (const [value, expected] of rows) assert.equal(above(value), expected, `${value}`);
  const sizes = [
    [0, 1],
    [600, 1_024],
    [1_025, 2_048],
    [33 * 1_024, 50 * 1_024],
    [600 * 1_024, 1_024 ** 2],
    [3 * 1_024 ** 2, 5 * 1_024 ** 2],
  ];
  for (const [value, expected] of sizes) assert.equal(aboveBytes(value), expected, `${value}`);
});

test("figures as people read them", async () => {
  const { bytes, rate, roundTrip, span } = await load("format");
  const sizes = [
    [0, "0 B"],
    [999, "999 B"],
    [1_000, "1.0 KiB"],
    [10_240, "10 KiB"],
    [5 * 1_024 ** 2, "5.0 MiB"],
    [2 ** 60, "1,048,576 TiB"],
  ];
  for (const [value, expected] of sizes) assert.equal(bytes(value).replace(/[^\d.A-Za-z ]/g, ","), expected);
  for (const [value, expected] of [
    [0, "0"],
    [0.4, "0.4"],
    [9.96, "10.0"],
    [250.4, "250"],
  ])
    assert.equal(rate(value), expected);
  for (const [value, expected] of [
    [null, "–"],
    [undefined, "–"],
    [0.31, "0.3 ms"],
    [51.2, "51 ms"],
  ])
    assert.equal(roundTrip(value), expected);
  const spans = [
    [-1, "0 s"],
    [59.9, "59 s"],
    [60, "1 min"],
    [3_599, "59 min"],
    [3_600, "1 h 0 min"],
    [90_000, "1 d 1 h"],
  ];
  for (const [value, expected] of spans) assert.equal(span(value), expected);
});
