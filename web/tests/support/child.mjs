// A program that ends with the test, however that ends. Not here: what is said to it.

import { spawn } from "node:child_process";
import { once } from "node:events";

export class Child {
  static async start(program, argv, options) {
    // In a group of its own, for Chromium is ten processes, of which some outlive the first.
    const child = new Child(spawn(program, argv, { ...options, detached: true }));
    await once(child.process, "spawn");
    return child;
  }

  #ended;
  // Node does not come to "exit" when a signal ends it, and the test runner sends one to what takes too long.
  #signals = ["SIGTERM", "SIGINT", "SIGHUP"];
  #kill = () => {
    try {
      process.kill(-this.process.pid, "SIGKILL");
    } catch {
      // Nobody is left.
    }
  };
  #onSignal = (signal) => {
    this.#kill();
    process.off(signal, this.#onSignal);
    process.kill(process.pid, signal);
  };

  constructor(started) {
    this.process = started;
    this.#ended = once(started, "exit");
    process.once("exit", this.#kill);
    for (const signal of this.#signals) process.on(signal, this.#onSignal);
  }

  async stop() {
    process.off("exit", this.#kill);
    for (const signal of this.#signals) process.off(signal, this.#onSignal);
    this.#kill();
    await this.#ended;
  }
}
