// One connection to a server that may compress: every kind of message, and how many bytes they took.
//
// All is said on one connection, so what one message does wrong with the history shows in those after it. What was
// offered and answered is told to the runner, which knows what the answer had to be (deflate.py); here both ends are
// held to what was agreed.
//
// Not here: the same for Python (conversation.py).

import { Connection, expect, generator, noise, outcome, same, words } from "./checks.mjs";

const KIB = 1 << 10;
const SECONDS = 30;

// The server sends a message of fewer bytes as it is.
const THRESHOLD = 256;

const MIB_OF_TEXT = letters(KIB * KIB);
const VOCABULARY = digits(40 * KIB, 5);

// `client.offering` opens a socket for the task; it also has the headers. `client.bytes` are those that a socket has
// sent and received, or undefined where nobody counts. `client.sendInFragments` may be missing.
export async function converse(client, task) {
  const { socket, headers } = client.offering(task);
  const progress = { part: "opening" };
  const { failed } = await outcome(talk(client, task, socket, headers, progress), SECONDS);
  const { offered = null, answered = "" } = headers;
  return { offered, answered, failed: failed ? `${progress.part}: ${failed}` : null };
}

async function talk(client, task, socket, headers, progress) {
  const connection = await new Connection(socket).afterOpening();
  const said = { client, connection, agreed: agreed(headers, task) };
  for (const part of [sizes, fragments, history, distances, many]) {
    progress.part = part.name;
    await part(said);
  }
  progress.part = "close";
  await connection.close();
}

// What holds for each direction; null if nothing is to be compressed.
function agreed({ offered, answered }, { zlib }) {
  if (!answered) return null;
  const bits = (side, header) => Number(new RegExp(`${side}_max_window_bits=(\\d+)`).exec(header)?.[1] ?? 15);
  const keeps = (side) => !answered.includes(`${side}_no_context_takeover`);
  return {
    down: { bits: bits("server", answered), keeps: keeps("server"), packs: true },
    // A client keeps to what it offered of itself, whatever the answer. One that is told how to compress may not
    // compress well.
    up: {
      bits: Math.min(bits("client", offered), bits("client", answered)),
      keeps: keeps("client") && !(offered ?? "").includes("client_no_context_takeover"),
      packs: Object.keys(zlib).length === 0,
    },
  };
}

// --- the parts of a conversation ---

async function sizes(said) {
  for (const length of [0, 1, 200, THRESHOLD - 1]) sentPlain(said, await exchange(said, letters(length)), length);
  for (const text of [letters(400), letters(64 * KIB), words(64 * KIB), MIB_OF_TEXT]) {
    const taken = await exchange(said, text);
    const length = new TextEncoder().encode(text).length;
    if (said.agreed === null) sentPlain(said, taken, length);
    else expectBytes("down", taken, `at most ${length / 4}`, (bytes) => bytes <= length / 4);
    // Clients do not compress what is small, each with another threshold.
    if (said.agreed?.up.packs && length > 1 << 14) {
      expectBytes("up", taken, `at most ${length / 4}`, (bytes) => bytes <= length / 4);
    }
  }
  // What does not get smaller goes as it is.
  for (const length of [0, 64 * KIB]) sentPlain(said, await exchange(said, noise(length, 2)), length);
}

// Pieces of odd lengths, which end inside of characters, with pings between them.
async function fragments({ client, connection }) {
  if (!client.sendInFragments) return;
  for (const [text, length] of [[words(128 * KIB), (1 << 13) + 1], [words(500), 7], [letters(100), 99]]) {
    const bytes = new TextEncoder().encode(text);
    for (const options of [{ binary: false }, { binary: true }, { binary: true, compress: false }]) {
      const expectAnswers = client.sendInFragments(connection.socket, bytes, options, length);
      same(options.binary ? bytes.slice().buffer : text, await connection.next());
      expectAnswers(); // the pings came before the end of the message
    }
  }
}

// A message that comes twice is small the second time if, and only if, the first one is remembered. It is as long as
// half a window, or, where that is short, not looked at.
async function history(said) {
  if (said.agreed === null) return;
  for (const [direction, { bits, keeps, packs }] of Object.entries(said.agreed)) {
    const text = digits(1 << (bits - 1), bits);
    await exchange(said, text);
    const taken = await exchange(said, text);
    if (bits < 11 || !packs) continue;
    if (keeps) expectBytes(direction, taken, `at most ${text.length / 8}`, (bytes) => bytes <= text.length / 8);
    else expectBytes(direction, taken, `at least ${text.length / 2}`, (bytes) => bytes >= text.length / 2);
  }
}

// What repeats only after more than a window cannot be compressed, unless with a larger window than was agreed.
async function distances(said) {
  const window = 1 << (said.agreed?.down.bits ?? 15);
  const beyond = repeated(noise(window + 64, 3), 4);
  const most = beyond.byteLength * 0.9; // so few bytes have no even distribution, and Huffman codes save a little
  expectBytes("down", await exchange(said, beyond), `at least ${most}`, (bytes) => bytes >= most);
  const within = repeated(noise(Math.min(window / 4, KIB), 4), 32);
  const half = within.byteLength / 2;
  const taken = await exchange(said, within);
  if (said.agreed) expectBytes("down", taken, `at most ${half}`, (bytes) => bytes <= half);
}

// Messages that share words, at all distances, one behind the other; some of them the client does not compress, and
// the server neither those that are small.
async function many({ connection }) {
  const random = generator(6);
  const messages = Array.from({ length: 300 }, () => {
    const pieces = Array.from({ length: 1 + random(12) }, () => {
      const at = random(VOCABULARY.length);
      return VOCABULARY.slice(at, at + random(200));
    });
    return pieces.join(" ");
  });
  messages.forEach((message, i) => connection.send(message, { compress: i % 3 !== 0 }));
  for (const message of messages) same(message, await connection.next());
}

// --- what they are made of ---

// Sends and hears the same; returns the bytes it took in both directions, if anybody counts.
async function exchange({ client, connection }, message) {
  const before = client.bytes?.(connection.socket);
  connection.send(message);
  same(message, await connection.next());
  const after = client.bytes?.(connection.socket);
  return after && { up: after.up - before.up, down: after.down - before.down };
}

// One frame, and every byte of the message in it. What is sent to a server that compresses is the client's to say.
function sentPlain({ agreed }, taken, length) {
  const header = length < 126 ? 2 : length < 1 << 16 ? 4 : 10;
  expectBytes("down", taken, `${header + length}`, (bytes) => bytes === header + length);
  // A client masks: four bytes more.
  if (agreed === null) expectBytes("up", taken, `${header + 4 + length}`, (bytes) => bytes === header + 4 + length);
}

function expectBytes(direction, taken, expected, holds) {
  if (taken && !holds(taken[direction])) expect(`${expected} bytes ${direction}`, taken[direction]);
}

function letters(length) {
  const line = "the salmon swims up the river; ";
  return line.repeat(Math.ceil(length / line.length)).slice(0, length);
}

// Digits without a pattern: half of each byte says nothing, and so much a compressor can save.
function digits(length, seed) {
  const random = generator(seed);
  return Array.from({ length }, () => random(16).toString(16)).join("");
}

function repeated(buffer, times) {
  const bytes = new Uint8Array(buffer.byteLength * times);
  for (let i = 0; i < times; i++) bytes.set(new Uint8Array(buffer), i * buffer.byteLength);
  return bytes.buffer;
}
