/**
 * What happened within the last window, each by its instant and its weight, and their total. About 100 bytes an item,
 * and no timers.
 */
export class SlidingWindow {
  /** Oldest first: what is set again keeps its place. */
  private readonly items = new Map<string, { at: number; weight: number }>();
  private sum = 0;

  /** @param now the clock, milliseconds */
  constructor(
    private readonly windowMs: number,
    private readonly now: () => number,
  ) {}

  get total(): number {
    return this.sum;
  }

  /** Milliseconds until the oldest item leaves the window, or would if it came now. */
  get untilFirstLeaves(): number {
    for (const { at } of this.items.values()) return this.untilLeaves(at);
    return this.windowMs;
  }

  /** Forgets what has left the window. */
  slide(): void {
    for (const [id, { at, weight }] of this.items) {
      if (this.untilLeaves(at) > 0) return;
      this.items.delete(id);
      this.sum -= weight;
    }
  }

  has(id: string): boolean {
    return this.items.has(id);
  }

  /** Adds an item, or gives it another weight; one without any is forgotten. */
  set(id: string, weight: number): void {
    const known = this.items.get(id);
    this.sum += weight - (known?.weight ?? 0);
    if (weight === 0) this.items.delete(id);
    else if (known === undefined) this.items.set(id, { at: this.now(), weight });
    else known.weight = weight;
  }

  /** Milliseconds until an item of that weight, in place of what it has now, fits beside the others; 0: it does. */
  waitFor(id: string, weight: number, limit: number): number {
    let excess = this.sum - (this.items.get(id)?.weight ?? 0) + weight - limit;
    if (excess <= 0) return 0;
    for (const [other, item] of this.items) {
      if (other !== id) excess -= item.weight;
      if (excess <= 0) return this.untilLeaves(item.at);
    }
    return this.windowMs;
  }

  private untilLeaves(at: number): number {
    // the clock's fractions leave a trace in the difference, which must not make a second of its own
    return Number((at + this.windowMs - this.now()).toFixed(3));
  }
}
