// When to connect again. Not here: whether to.

/**
 * The wait is drawn from the whole span between nothing and a bound that doubles (full jitter), so that a thousand
 * pages that lost the same server do not come back in the same second.
 */
export class Backoff {
  #failures = 0;

  constructor(
    private readonly first: number,
    private readonly most: number,
    private readonly stable: number,
  ) {}

  /** Attempts since the last stable connection. */
  get failures(): number {
    return this.#failures;
  }

  /** A connection has ended that was open for so long; 0 if it never was. */
  ended(lived: number): void {
    if (lived >= this.stable) this.#failures = 0;
  }

  /** The next wait, in milliseconds. */
  next(random: number): number {
    // 2^30 is far above any bound, and no overflow.
    const bound = Math.min(this.most, this.first * 2 ** Math.min(this.#failures, 30));
    this.#failures += 1;
    return Math.round(random * bound);
  }

  reset(): void {
    this.#failures = 0;
  }
}
