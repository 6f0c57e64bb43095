import { Injectable } from '@nestjs/common';
import { Database } from '../database/index.js';
import { endOfPeriod } from './budget.js';
import { Budgets, type BudgetState } from './budgets.js';
import { COST_SUMS, type CostSums, toCostGroup, toTokenTotals } from './cost-groups.js';
import type { BudgetStateDto, CostSummary } from './cost-summary.dto.js';

interface Row extends CostSums {
  grouping: number;
  model: string | null;
  operation: string | null;
  day: string | null;
  key_id: string | null;
}

/** One scan for the total and all the groups. GROUPING's bits: model 8, operation 4, day 2, key 1; a set bit is not grouped by. */
const SUMMARY = `
  WITH calls AS (
    SELECT c.*, to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, coalesce(c.key_id, 'service') AS payer
    FROM llm_calls c
    WHERE created_at >= coalesce($1::timestamptz, '-infinity') AND created_at < coalesce($2::timestamptz, 'infinity')
  )
  SELECT GROUPING(model, operation, day, payer) AS grouping, model, operation, day, payer AS key_id,
         ${COST_SUMS}
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
      total_tokens: toTokenTotals(total),
      unpriced_calls: total?.unpriced_calls ?? 0,
      by_model: groups(BY_MODEL).map((row) => ({ model: row.model ?? '', ...toCostGroup(row) })),
      by_operation: groups(BY_OPERATION).map((row) => ({
        operation: row.operation ?? '',
        ...toCostGroup(row),
      })),
      by_key: groups(BY_KEY).map((row) => ({ key_id: row.key_id ?? '', ...toCostGroup(row) })),
      by_day: groups(BY_DAY).map((row) => ({ day: row.day ?? '', ...toCostGroup(row) })),
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
