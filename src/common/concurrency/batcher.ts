/** Most keys of one look-up. */
const LARGEST_BATCH = 500;

interface Waiting<V> {
  resolve: (value: V | undefined) => void;
  reject: (error: unknown) => void;
}

/**
 * Looks things up one batch after the other: what is asked for while a look-up is under way is looked up together next,
 * once each. So nobody gets what was read before they asked, and the rate of questions is not bounded by that of
 * look-ups.
 */
export class Batcher<V> {
  private waiting = new Map<string, Waiting<V>[]>();
  private isRunning = false;

  /** @param load the values of some keys; those that there are not are left out */
  constructor(private readonly load: (keys: readonly string[]) => Promise<ReadonlyMap<string, V>>) {}

  /** @throws what `load` throws, to all who wait for that batch */
  get(key: string): Promise<V | undefined> {
    return new Promise((resolve, reject) => {
      const others = this.waiting.get(key);
      if (others === undefined) this.waiting.set(key, [{ resolve, reject }]);
      else others.push({ resolve, reject });
      if (!this.isRunning) void this.run();
    });
  }

  private async run(): Promise<void> {
    this.isRunning = true;
    while (this.waiting.size > 0) {
      const batch = [...this.waiting].slice(0, LARGEST_BATCH);
      for (const [key] of batch) this.waiting.delete(key);
      try {
        const found = await this.load(batch.map(([key]) => key));
        for (const [key, all] of batch) for (const { resolve } of all) resolve(found.get(key));
      } catch (error) {
        for (const [, all] of batch) for (const { reject } of all) reject(error);
      }
    }
    this.isRunning = false;
  }
}
