import { type BilledCall, sumCosts, type Tab } from '../costs/index.js';
import { type AttemptReport, callOf } from '../llm/index.js';
import type { Usage } from './answer-event.js';

/** What some calls to models came to. */
export interface Bill {
  usage: Usage;
  /** US dollars; null when a model's price is not known. */
  costUsd: number | null;
}

/** Sums calls exactly. */
export function billOf(calls: readonly BilledCall[]): Bill {
  const sum = (field: keyof Usage): number => calls.reduce((total, call) => total + call[field], 0);
  return {
    usage: {
      inputTokens: sum('inputTokens'),
      outputTokens: sum('outputTokens'),
      cacheReadTokens: sum('cacheReadTokens'),
      cacheWriteTokens: sum('cacheWriteTokens'),
      embeddingTokens: sum('embeddingTokens'),
    },
    costUsd: sumCosts(calls.map(({ costUsd }) => costUsd)),
  };
}

/** Puts each attempt at a model on a tab when it is over, and into a list. */
export function billAttempts(
  tab: Tab,
  operation: 'answer' | 'judge' | 'condense' | 'multi_query',
  calls: BilledCall[],
): (report: AttemptReport) => BilledCall {
  return (report) => {
    const call = tab.add({ ...callOf(report, calls.length + 1), operation });
    calls.push(call);
    return call;
  };
}
