import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Hard budgets, their reservations, and a ledger that settles with them. */
export class Money1764000000000 implements MigrationInterface {
  readonly name = 'Money1764000000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [...LEDGER, ...BUDGETS, SPENT, RESERVE, RECORD]) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP FUNCTION record_calls, reserve_budget, spent_in_period');
    await runner.query('DROP TABLE budget_reservations, budgets');
    await runner.query(`DELETE FROM llm_calls WHERE operation = 'judge'`);
    await runner.query(`UPDATE llm_calls SET outcome = 'failed' WHERE outcome = 'cut'`);
    await runner.query(
      `ALTER TABLE llm_calls
         DROP CONSTRAINT llm_calls_operation_check, DROP CONSTRAINT llm_calls_outcome_check,
         ADD CONSTRAINT llm_calls_operation_check CHECK (operation IN ('answer', 'query_embedding', 'document_embedding')),
         ADD CONSTRAINT llm_calls_outcome_check CHECK (outcome IN ('ok', 'failed', 'aborted'))`,
    );
  }
}

const LEDGER = [
  `ALTER TABLE llm_calls
     DROP CONSTRAINT llm_calls_operation_check, DROP CONSTRAINT llm_calls_outcome_check,
     ADD CONSTRAINT llm_calls_operation_check
       CHECK (operation IN ('answer', 'judge', 'query_embedding', 'document_embedding')),
     -- cut: it failed after its first token
     ADD CONSTRAINT llm_calls_outcome_check CHECK (outcome IN ('ok', 'failed', 'cut', 'aborted'))`,
];

const BUDGETS = [
  // What was spent in a period of a scope. Its limit is configuration, and comes with each reservation.
  `CREATE TABLE budgets (
     scope text NOT NULL,
     period text NOT NULL CONSTRAINT budgets_period_check CHECK (period IN ('day', 'month')),
     -- first UTC day of the period
     starts_on date NOT NULL,
     spent_usd numeric(20, 12) NOT NULL,
     PRIMARY KEY (scope, period, starts_on)
   )`,
  // What calls under way may still cost, in each budget that they count in. A lease: not renewed, it is void.
  `CREATE TABLE budget_reservations (
     id uuid NOT NULL,
     scope text NOT NULL,
     period text NOT NULL,
     starts_on date NOT NULL,
     amount_usd numeric(20, 12) NOT NULL CONSTRAINT budget_reservations_amount_check CHECK (amount_usd >= 0),
     expires_at timestamptz NOT NULL,
     PRIMARY KEY (id, scope, period)
   )`,
  'CREATE INDEX budget_reservations_budget_idx ON budget_reservations (scope, period, starts_on)',
];

/** What the ledger has of a period: where a budget begins whose limit is set in the middle of one. */
const SPENT = `
  CREATE FUNCTION spent_in_period(period text, starts_on date) RETURNS numeric LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(cost_usd), 0) FROM llm_calls
    WHERE created_at >= starts_on::timestamp AT TIME ZONE 'UTC'
      AND created_at < (starts_on + ('1 ' || period)::interval) AT TIME ZONE 'UTC'
  $$`;

/**
 * Sets what a reservation holds, in all of its budgets or in none. The lock on each budget's row, taken in one order
 * everywhere, makes every decision see the ones before it. Returns when the reservation was first made, whether the
 * amount fits, each budget's state without this reservation, and how many expired leases were removed on the way.
 */
export const RESERVE = `
  CREATE FUNCTION reserve_budget(reservation uuid, amount numeric, admitted timestamptz, lease interval, limits jsonb)
  RETURNS jsonb LANGUAGE plpgsql AS $$
  DECLARE
    -- however long the calls take, they count in the period that they were admitted in
    instant timestamptz := coalesce(admitted, clock_timestamp());
    budget record;
    spent numeric;
    reserved numeric;
    expired integer;
    fits boolean := true;
    states jsonb := '[]';
  BEGIN
    FOR budget IN
      SELECT l.scope, l.period, l.limit_usd, date_trunc(l.period, instant AT TIME ZONE 'UTC')::date AS starts_on
      FROM jsonb_to_recordset(limits) AS l (scope text, period text, limit_usd numeric) ORDER BY l.scope, l.period
    LOOP
      LOOP
        SELECT b.spent_usd INTO spent FROM budgets b
          WHERE b.scope = budget.scope AND b.period = budget.period AND b.starts_on = budget.starts_on FOR UPDATE;
        EXIT WHEN FOUND;
        INSERT INTO budgets (scope, period, starts_on, spent_usd)
          VALUES (budget.scope, budget.period, budget.starts_on, spent_in_period(budget.period, budget.starts_on))
          ON CONFLICT DO NOTHING;
      END LOOP;
      SELECT coalesce(sum(r.amount_usd), 0) INTO reserved FROM budget_reservations r
        WHERE r.scope = budget.scope AND r.period = budget.period AND r.starts_on = budget.starts_on
          AND r.id <> reservation AND r.expires_at > clock_timestamp();
      fits := fits AND spent + reserved + amount <= budget.limit_usd;
      states := states || jsonb_build_object('scope', budget.scope, 'period', budget.period,
        'startsOn', budget.starts_on, 'limitUsd', budget.limit_usd::text, 'spentUsd', spent::text,
        'reservedUsd', reserved::text, 'fits', spent + reserved + amount <= budget.limit_usd);
    END LOOP;
    -- when all locks are held: whoever settles one of these takes the budgets' locks first, too
    WITH removed AS (
      DELETE FROM budget_reservations WHERE (id, scope, period) IN (
        SELECT r.id, r.scope, r.period FROM budget_reservations r
        WHERE r.expires_at <= clock_timestamp() AND r.id <> reservation
        -- one that is locked is being settled
        FOR UPDATE SKIP LOCKED
      ) RETURNING id
    ) SELECT count(DISTINCT removed.id) INTO expired FROM removed;
    IF fits THEN
      INSERT INTO budget_reservations (id, scope, period, starts_on, amount_usd, expires_at)
        SELECT reservation, s.scope, s.period, s."startsOn", amount, clock_timestamp() + lease
        FROM jsonb_to_recordset(states) AS s (scope text, period text, "startsOn" date)
        ON CONFLICT (id, scope, period) DO UPDATE
          SET amount_usd = EXCLUDED.amount_usd, expires_at = EXCLUDED.expires_at;
    END IF;
    RETURN jsonb_build_object('admittedAt', instant, 'fits', fits, 'expired', expired, 'budgets', states);
  END $$`;

/**
 * Writes calls to the ledger, adds what they cost to every budget whose period they were admitted in, whoever has a limit
 * for it, and ends their reservations: all in one transaction. A call that is written again, because the answer to the
 * first time was lost, counts once. Returns the budgets that were charged, what was added and what each comes to.
 */
export const RECORD = `
  CREATE FUNCTION record_calls(entries jsonb, settled uuid[])
  RETURNS TABLE (scope text, period text, starts_on date, added_usd numeric, spent_usd numeric)
  LANGUAGE plpgsql AS $$
  #variable_conflict use_column
  DECLARE
    charge record;
  BEGIN
    -- ordered as the locks of reserve_budget are, so that no two transactions wait for each other
    FOR charge IN
      WITH entry AS (
        SELECT * FROM jsonb_to_recordset(entries) AS e (id uuid, "createdAt" timestamptz, "requestId" text,
          "isRequest" boolean, operation text, model text, attempt smallint, outcome text, "inputTokens" integer,
          "outputTokens" integer, "cacheReadTokens" integer, "cacheWriteTokens" integer, "embeddingTokens" integer,
          estimated boolean, "costUsd" numeric, "latencyMs" real, "firstTokenMs" real, error text)
      ), inserted AS (
        INSERT INTO llm_calls (id, created_at, request_id, is_request, operation, model, attempt, outcome, input_tokens,
          output_tokens, cache_read_tokens, cache_write_tokens, embedding_tokens, estimated, cost_usd, latency_ms,
          first_token_ms, error)
        SELECT id, coalesce("createdAt", clock_timestamp()), "requestId", "isRequest", operation, model, attempt, outcome,
          "inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens", "embeddingTokens", estimated, "costUsd",
          "latencyMs", "firstTokenMs", error
        FROM entry
        ON CONFLICT (id) DO NOTHING
        RETURNING created_at, cost_usd
      )
      SELECT b.scope, b.period, b.starts_on, sum(inserted.cost_usd) AS cost
      FROM inserted JOIN budgets b
        ON b.starts_on = date_trunc(b.period, inserted.created_at AT TIME ZONE 'UTC')::date
      WHERE inserted.cost_usd > 0
      GROUP BY b.scope, b.period, b.starts_on ORDER BY b.scope, b.period, b.starts_on
    LOOP
      RETURN QUERY
        UPDATE budgets SET spent_usd = budgets.spent_usd + charge.cost
        WHERE budgets.scope = charge.scope AND budgets.period = charge.period AND budgets.starts_on = charge.starts_on
        RETURNING budgets.scope, budgets.period, budgets.starts_on, charge.cost, budgets.spent_usd;
    END LOOP;
    DELETE FROM budget_reservations WHERE id = ANY (settled);
  END $$`;
