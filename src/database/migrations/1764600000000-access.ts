import type { MigrationInterface, QueryRunner } from 'typeorm';
import * as before from './1764000000000-money.js';

/** Keys, whose calls are told apart in the ledger and may have budgets of their own; who asked what. */
export class Access1764600000000 implements MigrationInterface {
  readonly name = 'Access1764600000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [...KEYS, ...LEDGER, ANSWERS, ...ANSWER_INDEXES, SPENT, RESERVE, RECORD])
      await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE answers, api_key_secrets, api_keys');
    await runner.query(`DELETE FROM budgets WHERE scope <> 'service'`);
    await runner.query(`DELETE FROM budget_reservations WHERE scope <> 'service'`);
    await runner.query('DROP INDEX documents_labels_idx');
    await runner.query('ALTER TABLE document_sources DROP COLUMN key_id');
    for (const made of [before.RESERVE, before.RECORD])
      await runner.query(made.replace('CREATE FUNCTION', 'CREATE OR REPLACE FUNCTION'));
    await runner.query('DROP FUNCTION spent_in_period(text, text, date)');
    await runner.query('ALTER TABLE llm_calls DROP COLUMN key_id');
  }
}

const KEYS = [
  `CREATE TABLE api_keys (
     id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
     seq bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT api_keys_seq_key UNIQUE,
     name text NOT NULL,
     note text,
     scopes text[] NOT NULL,
     -- null: all
     collections text[],
     -- null: as collections
     write_collections text[],
     labels text[] NOT NULL,
     -- null: the service's limits; 0: none
     rpm integer,
     tpm integer,
     concurrency integer,
     -- null: no budget of its own
     daily_usd numeric(20, 12),
     monthly_usd numeric(20, 12),
     expires_at timestamptz,
     -- it stays for the bill
     revoked_at timestamptz,
     last_used_at timestamptz,
     created_at timestamptz NOT NULL DEFAULT clock_timestamp()
   )`,
  `CREATE TABLE api_key_secrets (
     -- the part of the secret that finds it
     prefix text PRIMARY KEY,
     key_id uuid NOT NULL REFERENCES api_keys ON DELETE CASCADE,
     -- SHA-256 of the whole secret
     hash bytea NOT NULL,
     -- null: the present one
     expires_at timestamptz,
     created_at timestamptz NOT NULL DEFAULT clock_timestamp()
   )`,
  'CREATE INDEX api_key_secrets_key_id_idx ON api_key_secrets (key_id)',
];

const LEDGER = [
  // whether a search has to look at labels
  'CREATE INDEX documents_labels_idx ON documents (collection_id) WHERE allowed IS NOT NULL',
  // a key's id, admin, anonymous, jwt:<subject>; null: the service itself
  'ALTER TABLE llm_calls ADD COLUMN key_id text',
  'CREATE INDEX llm_calls_key_id_idx ON llm_calls (key_id, created_at)',
  // who sent the document, and is billed for making it searchable
  'ALTER TABLE document_sources ADD COLUMN key_id text',
];

/** Who asked what, and how the answer came about. */
const ANSWERS = `
  CREATE TABLE answers (
    id uuid PRIMARY KEY,
    seq bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT answers_seq_key UNIQUE,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    key_id text NOT NULL,
    -- null where no texts are kept
    question text,
    standalone_question text,
    answer text,
    -- what the model was shown, in that order; as callers get it, so that it is json and not jsonb
    sources json NOT NULL,
    citations json NOT NULL,
    alternatives json NOT NULL,
    -- the one that answered; where none did, the first that was to
    model text NOT NULL,
    prompt_version text,
    finish_reason text,
    -- the code of the error that it ended with, ABORTED where its caller left; null: there was none
    error text,
    usage json NOT NULL,
    -- null: a model's price is not known
    cost_usd numeric(20, 12),
    -- null: it ended before anything was found
    timings json,
    latency_ms double precision NOT NULL,
    attempts integer NOT NULL,
    cached boolean NOT NULL,
    thumb text CONSTRAINT answers_thumb_check CHECK (thumb IN ('up', 'down')),
    comment text,
    feedback_at timestamptz
  )`;
const ANSWER_INDEXES = [
  'CREATE INDEX answers_key_id_idx ON answers (key_id, seq)',
  'CREATE INDEX answers_created_at_idx ON answers (created_at)',
];

/** What the ledger has of a period: where a budget begins whose limit is set in the middle of one. */
// the one before, of all calls, stays for replicas that are not replaced yet
const SPENT = `
  CREATE FUNCTION spent_in_period(scope text, period text, starts_on date) RETURNS numeric LANGUAGE sql STABLE AS $$
    -- two queries, because only that of one key can use an index of keys
    SELECT CASE WHEN scope = 'service' THEN (
      SELECT coalesce(sum(cost_usd), 0) FROM llm_calls
      WHERE created_at >= starts_on::timestamp AT TIME ZONE 'UTC'
        AND created_at < (starts_on + ('1 ' || period)::interval) AT TIME ZONE 'UTC'
    ) ELSE (
      SELECT coalesce(sum(cost_usd), 0) FROM llm_calls
      WHERE key_id = scope AND created_at >= starts_on::timestamp AT TIME ZONE 'UTC'
        AND created_at < (starts_on + ('1 ' || period)::interval) AT TIME ZONE 'UTC'
    ) END
  $$`;

/**
 * Sets what a reservation holds, in all of its budgets or in none. The lock on each budget's row, taken in one order
 * everywhere, makes every decision see the ones before it. Returns when the reservation was first made, whether the
 * amount fits, each budget's state without this reservation, and how many expired leases were removed on the way.
 */
const RESERVE = `
  CREATE OR REPLACE FUNCTION reserve_budget(reservation uuid, amount numeric, admitted timestamptz, lease interval, limits jsonb)
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
    IF EXISTS (
      SELECT FROM jsonb_to_recordset(limits) AS l (scope text, period text)
      WHERE NOT EXISTS (SELECT FROM budgets b WHERE b.scope = l.scope AND b.period = l.period
        AND b.starts_on = date_trunc(l.period, instant AT TIME ZONE 'UTC')::date)
    ) THEN
      -- a budget begins: with what is in the ledger, and nothing is just being written there that would see no budget yet.
      -- Before any row is locked, because those who write there lock the rows afterwards; by one at a time, so that the others
      -- find what it has begun, and add nothing up
      LOCK TABLE llm_calls IN SHARE ROW EXCLUSIVE MODE;
      INSERT INTO budgets (scope, period, starts_on, spent_usd)
        SELECT l.scope, l.period, p.starts_on, spent_in_period(l.scope, l.period, p.starts_on)
        FROM jsonb_to_recordset(limits) AS l (scope text, period text)
        CROSS JOIN LATERAL (SELECT date_trunc(l.period, instant AT TIME ZONE 'UTC')::date AS starts_on) p
        -- of those alone that begin: to add up a month of the service takes long, and the ledger waits for it
        WHERE NOT EXISTS (SELECT FROM budgets b WHERE b.scope = l.scope AND b.period = l.period AND b.starts_on = p.starts_on)
        ORDER BY l.scope, l.period
        ON CONFLICT DO NOTHING;
    END IF;
    FOR budget IN
      SELECT l.scope, l.period, l.limit_usd, date_trunc(l.period, instant AT TIME ZONE 'UTC')::date AS starts_on
      FROM jsonb_to_recordset(limits) AS l (scope text, period text, limit_usd numeric) ORDER BY l.scope, l.period
    LOOP
      SELECT b.spent_usd INTO STRICT spent FROM budgets b
        WHERE b.scope = budget.scope AND b.period = budget.period AND b.starts_on = budget.starts_on FOR UPDATE;
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
 * Writes calls to the ledger, adds what they cost to the service's budgets and those of their key in the periods that they were
 * admitted in, and ends their reservations: all in one transaction. A call that is written again, because the answer to the
 * first time was lost, counts once. Returns the budgets that were charged, what was added and what each comes to.
 */
const RECORD = `
  CREATE OR REPLACE FUNCTION record_calls(entries jsonb, settled uuid[])
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
          estimated boolean, "costUsd" numeric, "latencyMs" real, "firstTokenMs" real, error text,
          "keyId" text)
      ), inserted AS (
        INSERT INTO llm_calls (id, created_at, request_id, is_request, operation, model, attempt, outcome, input_tokens,
          output_tokens, cache_read_tokens, cache_write_tokens, embedding_tokens, estimated, cost_usd, latency_ms,
          first_token_ms, error, key_id)
        SELECT id, coalesce("createdAt", clock_timestamp()), "requestId", "isRequest", operation, model, attempt, outcome,
          "inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens", "embeddingTokens", estimated, "costUsd",
          "latencyMs", "firstTokenMs", error, "keyId"
        FROM entry
        ON CONFLICT (id) DO NOTHING
        RETURNING created_at, cost_usd, key_id
      )
      SELECT b.scope, b.period, b.starts_on, sum(inserted.cost_usd) AS cost
      FROM inserted JOIN budgets b
        ON b.starts_on = date_trunc(b.period, inserted.created_at AT TIME ZONE 'UTC')::date
        AND b.scope IN ('service', inserted.key_id)
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
