import { Groups } from './groups.js';

/** Most look-ups that are made at once. */
const LARGEST_BATCH = 500;

/**
 * Looks things up one batch after the other: what is asked for while a look-up is under way is looked up together next,
 * once each. So nobody gets what was read before they asked.
 */
export class Batcher<V> {
  private readonly groups: Groups<string, V | undefined>;

  /** @param load the values of some keys; those that there are not are left out */
  constructor(load: (keys: readonly string[]) => Promise<ReadonlyMap<string, V>>) {
    this.groups = new Groups(async (keys) => {
      const found = await load([...new Set(keys)]);
      return keys.map((key) => found.get(key));
    }, LARGEST_BATCH);
  }

  /** @throws what `load` throws, to all who wait for that batch */
  get(key: string): Promise<V | undefined> {
    return this.groups.submit(key);
  }
}
