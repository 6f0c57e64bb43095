import { setTimeout as wait } from 'node:timers/promises';

/** Asks again until it is told something true, and returns that. @throws Error after `ms` */
export async function poll<T>(
  what: string,
  look: () => T | Promise<T>,
  ms = 15_000,
): Promise<Exclude<T, false | null | undefined>> {
  const end = performance.now() + ms;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== null && seen !== false)
      return seen as Exclude<T, false | null | undefined>;
    if (performance.now() > end) throw new Error(`${what}: did not happen in ${ms} ms`);
    await wait(20);
  }
}
