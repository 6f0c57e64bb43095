import { Injectable } from '@nestjs/common';
import { Database } from '../database/index.js';
import { endOfPeriod } from './budget.js';
import { Budgets, type BudgetState } from './budgets.js';
import type { BudgetStateDto, CostGroup, CostSummary, TokenTotals } from './cost-summary.dto.js';

interface Row {
  grouping: number;
  model: string | null;
  operation: string | null;
  day: string | null;
  key_id: string | null;
  cost_usd: string;
  unpriced_calls: number;
  requests: number;
  calls: number;
  input: string;
  output: string;
  cache_read: string;
  cache_write: string;
  embedding: string;
}

/** One scan for the total and all the groups. GROUPING's bits: model 8, operation 4, day 2, key 1; a set bit is not grouped by. */
const SUMMARY = `
  WITH calls AS (
    SELECT c.*, to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, coalesce(c.key_id, 'service') AS payer
    FROM llm_calls c
    WHERE created_at >= coalesce($1::timestamptz, '-infinity') AND created_at < coalesce($2::timestamptz, 'infinity')
  )
  SELECT GROUPING(model, operation, day, payer) AS grouping, model, operation, day, payer AS key_id,
         coalesce(sum(cost_usd), 0)::text AS cost_usd, count(*) FILTER (WHERE cost_usd IS NULL)::int AS unpriced_calls,
         count(*) FILTER (WHERE is_request)::int AS requests, count(*)::int AS calls,
         coalesce(sum(input_tokens), 0) AS input, coalesce(sum(output_tokens), 0) AS output,
         coalesce(sum(cache_read_tokens), 0) AS cache_read, coalesce(sum(cache_write_tokens), 0) AS cache_write,
         coalesce(sum(embedding_tokens), 0) AS embedding
  FROM calls GROUP BY GROUPING SETS ((), (model), (operation), (day), (payer))
  ORDER BY model, operation, day, payer`;
const TOTAL = 15;
const BY_MODEL = 7;
const BY_OPERATION = 11;
const BY_DAY = 13;
const BY_KEY = 14;

/** What was spent, from the ledger. */
@Injectable()
export class CostSummaryService {
  constructor(
    private readonly database: Database,
    private readonly budgets: Budgets,
  ) {}

  /** @param from first instant counted, @param to first instant no longer counted; absent: no bound */
  async summarise(from?: string, to?: string): Promise<CostSummary> {
    const [rows, budgets] = await Promise.all([
      this.database.query<Row>(SUMMARY, [from ?? null, to ?? null]),
      this.budgets.state(),
    ]);
    const total = rows.find(({ grouping }) => grouping === TOTAL);
    const groups = (grouping: number): Row[] => rows.filter((row) => row.grouping === grouping);
    return {
      total_cost_usd: Number(total?.cost_usd ?? 0),
      total_requests: total?.requests ?? 0,
      total_tokens: tokensOf(total),
      unpriced_calls: total?.unpriced_calls ?? 0,
      by_model: groups(BY_MODEL).map((row) => ({ model: row.model ?? '', ...groupOf(row) })),
      by_operation: groups(BY_OPERATION).map((row) => ({ operation: row.operation ?? '', ...groupOf(row) })),
      by_key: groups(BY_KEY).map((row) => ({ key_id: row.key_id ?? '', ...groupOf(row) })),
      by_day: groups(BY_DAY).map((row) => ({ day: row.day ?? '', ...groupOf(row) })),
      budgets: budgets.map(budgetOf),
    };
  }
}

function budgetOf(state: BudgetState): BudgetStateDto {
  return {
    scope: state.scope,
    period: state.period,
    limit_usd: Number(state.limitUsd),
    spent_usd: Number(state.spentUsd),
    reserved_usd: Number(state.reservedUsd),
    resets_at: endOfPeriod(state).toISOString(),
  };
}

function groupOf(row: Row): CostGroup {
  return {
    cost_usd: Number(row.cost_usd),
    requests: row.requests,
    calls: row.calls,
    unpriced_calls: row.unpriced_calls,
    tokens: tokensOf(row),
  };
}

function tokensOf(row: Row | undefined): TokenTotals {
  return {
    input_tokens: Number(row?.input ?? 0),
    output_tokens: Number(row?.output ?? 0),
    cache_read_tokens: Number(row?.cache_read ?? 0),
    cache_write_tokens: Number(row?.cache_write ?? 0),
    embedding_tokens: Number(row?.embedding ?? 0),
  };
}
