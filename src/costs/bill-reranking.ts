import type { WorstCase } from './pricing.js';
import type { BilledCall, FinishedCall, Tab } from './tab.js';

/** A call to a reranking model that is over, as the `reranking` module reports it. */
type RerankCall = Omit<FinishedCall, 'operation'>;

/**
 * Puts the calls that rank a search's passages on a tab: the most that they may cost is reserved before them, what they
 * did cost is added after each.
 * @param calls takes each call, billed
 * @param beside what is to be called after them: they are refused where there would be too little left for that
 */
export function billReranking(tab: Tab, calls: BilledCall[] = [], beside: () => WorstCase[] = () => []) {
  return {
    hold: async (worst: () => WorstCase): Promise<() => void> => {
      const giveUps = await tab.hold(() => [worst(), ...beside()]);
      return () => giveUps.forEach((giveUp) => giveUp());
    },
    cover: () => tab.cover(),
    add: (call: RerankCall): void => {
      calls.push(tab.add({ ...call, operation: 'rerank' }));
    },
  };
}
