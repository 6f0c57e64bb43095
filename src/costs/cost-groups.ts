import type { CostGroup, TokenTotals } from './cost-summary.dto.js';

/** What some rows of the ledger come to; sums are exact decimals. */
export interface CostSums {
  cost_usd: string;
  unpriced_calls: number;
  requests: number;
  calls: number;
  input_tokens: string;
  output_tokens: string;
  cache_read_tokens: string;
  cache_write_tokens: string;
  embedding_tokens: string;
}

/** The columns of {@link CostSums}, over rows of the ledger. */
export const COST_SUMS = `
  coalesce(sum(cost_usd), 0)::text AS cost_usd, count(*) FILTER (WHERE cost_usd IS NULL)::int AS unpriced_calls,
  count(*) FILTER (WHERE is_request)::int AS requests, count(*)::int AS calls,
  coalesce(sum(input_tokens), 0) AS input_tokens, coalesce(sum(output_tokens), 0) AS output_tokens,
  coalesce(sum(cache_read_tokens), 0) AS cache_read_tokens,
  coalesce(sum(cache_write_tokens), 0) AS cache_write_tokens,
  coalesce(sum(embedding_tokens), 0) AS embedding_tokens`;

export function toCostGroup(sums: CostSums): CostGroup {
  const { requests, calls, unpriced_calls } = sums;
  return { cost_usd: Number(sums.cost_usd), requests, calls, unpriced_calls, tokens: toTokenTotals(sums) };
}

/** @param sums undefined: there is nothing to sum */
export function toTokenTotals(sums: CostSums | undefined): TokenTotals {
  return {
    input_tokens: Number(sums?.input_tokens ?? 0),
    output_tokens: Number(sums?.output_tokens ?? 0),
    cache_read_tokens: Number(sums?.cache_read_tokens ?? 0),
    cache_write_tokens: Number(sums?.cache_write_tokens ?? 0),
    embedding_tokens: Number(sums?.embedding_tokens ?? 0),
  };
}
