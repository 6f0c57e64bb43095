import { Injectable } from '@nestjs/common';
import { AppError, Batcher, Cursors, type Scope } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { Database, type SqlRunner } from '../../database/index.js';
import type { Secret } from './secret.js';

/** What a key may be used for, as it is set. */
export interface KeySettings {
  name: string;
  note: string | null;
  scopes: Scope[];
  /** Null: all. */
  collections: string[] | null;
  /** Null: as `collections`. */
  write_collections: string[] | null;
  labels: string[];
  /** Null: the service's. */
  rpm: number | null;
  tpm: number | null;
  concurrency: number | null;
  /** Decimals of US dollars; null: none. */
  daily_usd: string | null;
  monthly_usd: string | null;
  expires_at: Date | null;
}

/** A key. */
export interface KeyRow extends KeySettings {
  id: string;
  seq: string;
  created_at: Date;
  last_used_at: Date | null;
  revoked_at: Date | null;
  /** Of the secret made last. */
  prefix: string;
  /** Until when the secret before it is taken too. */
  previous_secret_expires_at: Date | null;
}

/** A secret, and the key that it belongs to. */
export interface KnownSecret extends Omit<KeySettings, 'name' | 'note' | 'expires_at'> {
  id: string;
  prefix: string;
  hash: Buffer;
  revoked: boolean;
  expired: boolean;
}

const SETTINGS = [
  'name',
  'note',
  'scopes',
  'collections',
  'write_collections',
  'labels',
  'rpm',
  'tpm',
  'concurrency',
  'daily_usd',
  'monthly_usd',
  'expires_at',
] as const satisfies (keyof KeySettings)[];

const FIND_SECRETS = `
  SELECT s.prefix, s.hash, k.id, k.scopes, k.collections, k.write_collections, k.labels, k.rpm, k.tpm, k.concurrency,
         k.daily_usd::text, k.monthly_usd::text, k.revoked_at IS NOT NULL AS revoked,
         coalesce(least(k.expires_at, s.expires_at) <= clock_timestamp(), false) AS expired
  FROM api_key_secrets s JOIN api_keys k ON k.id = s.key_id WHERE s.prefix = ANY ($1)`;

const LIST = `
  SELECT k.*, k.daily_usd::text, k.monthly_usd::text, newest.prefix, older.until AS previous_secret_expires_at
  FROM api_keys k
  CROSS JOIN LATERAL (
    SELECT prefix FROM api_key_secrets WHERE key_id = k.id AND expires_at IS NULL ORDER BY created_at DESC LIMIT 1
  ) newest
  CROSS JOIN LATERAL (
    SELECT max(expires_at) FILTER (WHERE expires_at > clock_timestamp()) AS until FROM api_key_secrets WHERE key_id = k.id
  ) older
  WHERE ($1::uuid IS NULL OR k.id = $1) AND ($2::bigint IS NULL OR k.seq < $2) AND ($3 OR k.revoked_at IS NULL)
  ORDER BY k.seq DESC LIMIT $4`;

const INSERT = `
  WITH made AS (
    INSERT INTO api_keys (name, note, scopes, collections, write_collections, labels, rpm, tpm, concurrency, daily_usd,
      monthly_usd, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING id
  )
  INSERT INTO api_key_secrets (prefix, key_id, hash) SELECT $13, id, $14 FROM made RETURNING key_id`;

const UPDATE = `
  UPDATE api_keys SET name = $2, note = $3, scopes = $4, collections = $5, write_collections = $6, labels = $7, rpm = $8,
    tpm = $9, concurrency = $10, daily_usd = $11, monthly_usd = $12, expires_at = $13
  WHERE id = $1 AND revoked_at IS NULL RETURNING id`;

const BUDGETS = `
  SELECT id AS scope, period, limit_usd::text AS "limitUsd"
  FROM api_keys CROSS JOIN LATERAL (VALUES ('day', daily_usd), ('month', monthly_usd)) AS l (period, limit_usd)
  -- what a key has begun stays within its budget, also when it is revoked
  WHERE limit_usd IS NOT NULL AND (id = $1 OR $1::uuid IS NULL AND revoked_at IS NULL)`;

/** The keys, their secrets' hashes, and when they were used last. */
@Injectable()
export class KeyStore {
  private readonly secrets = new Batcher<KnownSecret>((prefixes) => this.read(prefixes));
  private readonly cursors: Cursors;

  constructor(
    private readonly database: Database,
    { auth }: AppConfig,
  ) {
    this.cursors = new Cursors(auth.adminApiKey);
  }

  /** The secret of a prefix, as it is now. */
  find(prefix: string): Promise<KnownSecret | undefined> {
    return this.secrets.get(prefix);
  }

  async insert(settings: KeySettings, { prefix, hash }: Secret): Promise<string> {
    const [made] = await this.database.query<{ key_id: string }>(INSERT, [...values(settings), prefix, hash]);
    if (made === undefined) throw new Error('a key was not made');
    return made.key_id;
  }

  /**
   * Newest first.
   * @throws AppError INVALID_REQUEST for a cursor that is none of ours
   */
  async list(
    limit: number,
    cursor: string | undefined,
    withRevoked: boolean,
  ): Promise<{ page: KeyRow[]; next: string | null }> {
    const before = cursor === undefined ? null : this.cursors.decode(cursor);
    return this.cursors.page(
      await this.database.query<KeyRowOf>(LIST, [null, before, withRevoked, limit + 1]),
      limit,
    );
  }

  /** @throws AppError NOT_FOUND */
  async get(id: string): Promise<KeyRow> {
    const [row] = await this.database.query<KeyRowOf>(LIST, [id, null, true, 1]);
    if (row === undefined) throw keyNotFound();
    return row;
  }

  /** Changes settings by what they are. @throws AppError NOT_FOUND, also for a key that was revoked */
  async update(id: string, change: (settings: KeySettings) => KeySettings): Promise<void> {
    await this.database.transaction(async (transaction) => {
      const row = await lockKey(id, transaction);
      await transaction.query(UPDATE, [id, ...values(change(row))]);
    });
  }

  /**
   * Gives a key a new secret; those that it has are taken for some more time.
   * @param graceSeconds 0: no longer at all
   * @throws AppError NOT_FOUND, also for a key that was revoked
   */
  async rotate(id: string, { prefix, hash }: Secret, graceSeconds: number): Promise<void> {
    await this.database.transaction(async (transaction) => {
      await lockKey(id, transaction);
      await transaction.query(
        `UPDATE api_key_secrets
         SET expires_at = least(expires_at, clock_timestamp() + make_interval(secs => $2::float8)) WHERE key_id = $1`,
        [id, graceSeconds],
      );
      await transaction.query(
        `DELETE FROM api_key_secrets WHERE key_id = $1 AND expires_at <= clock_timestamp() - interval '30 days'`,
        [id],
      );
      await transaction.query('INSERT INTO api_key_secrets (prefix, key_id, hash) VALUES ($1, $2, $3)', [
        prefix,
        id,
        hash,
      ]);
    });
  }

  /** From now on the key is refused; it stays for the bill. @throws AppError NOT_FOUND */
  async revoke(id: string): Promise<void> {
    const revoked = await this.database.query(
      'UPDATE api_keys SET revoked_at = coalesce(revoked_at, clock_timestamp()) WHERE id = $1 RETURNING id',
      [id],
    );
    if (revoked.length === 0) throw keyNotFound();
  }

  /** Takes down when keys were used. */
  async used(at: ReadonlyMap<string, Date>): Promise<void> {
    await this.database.query(
      `UPDATE api_keys k SET last_used_at = greatest(k.last_used_at, used.at)
       FROM unnest($1::uuid[], $2::timestamptz[]) AS used (id, at) WHERE k.id = used.id`,
      [[...at.keys()], [...at.values()]],
    );
  }

  /** The budgets of a key, or of all that are not revoked. */
  budgets(id?: string) {
    return this.database.query<{ scope: string; period: 'day' | 'month'; limitUsd: string }>(BUDGETS, [
      id ?? null,
    ]);
  }

  private async read(prefixes: readonly string[]): Promise<Map<string, KnownSecret>> {
    const rows = await this.database.query<KnownSecret & Record<string, unknown>>(FIND_SECRETS, [prefixes]);
    return new Map(rows.map((row) => [row.prefix, row]));
  }
}

type KeyRowOf = KeyRow & Record<string, unknown>;

function values(settings: KeySettings): unknown[] {
  return SETTINGS.map((name) => settings[name]);
}

/** The key's settings; nobody else changes them until the transaction is over. @throws AppError NOT_FOUND */
async function lockKey(id: string, transaction: SqlRunner): Promise<KeySettings> {
  const [row] = await transaction.query<KeySettings & Record<string, unknown>>(
    `SELECT *, daily_usd::text, monthly_usd::text FROM api_keys WHERE id = $1 AND revoked_at IS NULL FOR UPDATE`,
    [id],
  );
  if (row === undefined) throw keyNotFound();
  return row;
}

export function keyNotFound(): AppError {
  return new AppError('NOT_FOUND', 'There is no key with this id.');
}
