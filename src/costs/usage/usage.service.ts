import { Injectable } from '@nestjs/common';
import { invalidField } from '../../common/index.js';
import { Database } from '../../database/index.js';
import { COST_SUMS, type CostSums } from '../cost-groups.js';

/** What one key used on one day. */
export interface UsageRecord extends CostSums {
  day: string;
  key_id: string;
}

const DAY_MS = 24 * 3600 * 1000;
const DEFAULT_DAYS = 30;
const MOST_DAYS = 366;
const MOST_ROWS = 50_000;

const USAGE = `
  SELECT to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, coalesce(key_id, 'service') AS key_id,
         ${COST_SUMS}
  FROM llm_calls
  WHERE created_at >= $1::timestamptz AND created_at < $2::timestamptz
    AND ($3::text IS NULL OR key_id = $3 OR ($3 = 'service' AND key_id IS NULL))
  GROUP BY 1, 2 ORDER BY 1 DESC, 2 LIMIT ${MOST_ROWS + 1}`;

/** The bill by key and day, from the ledger. */
@Injectable()
export class UsageService {
  constructor(private readonly database: Database) {}

  /**
   * @param keyId absent: all
   * @param from first instant counted, and `to` the first no longer counted; absent: the last 30 days, today among them
   * @throws AppError INVALID_REQUEST for more than a year, or more rows than one answer holds
   */
  async read(
    keyId: string | undefined,
    from: string | undefined,
    to: string | undefined,
  ): Promise<{ from: string; to: string; rows: UsageRecord[] }> {
    const end = to === undefined ? startOfDay(Date.now()) + DAY_MS : Date.parse(to);
    const begin = from === undefined ? end - DEFAULT_DAYS * DAY_MS : Date.parse(from);
    if (end - begin > MOST_DAYS * DAY_MS)
      throw invalidField('from', `from takes a time at most ${MOST_DAYS} days before to`);
    const bounds = { from: new Date(begin).toISOString(), to: new Date(end).toISOString() };
    const rows = await this.database.query<UsageRecord & Record<string, unknown>>(USAGE, [
      bounds.from,
      bounds.to,
      keyId ?? null,
    ]);
    if (rows.length > MOST_ROWS)
      throw invalidField(
        'from',
        `from takes a later time: there are more than ${MOST_ROWS} keys × days between it and to`,
      );
    return { ...bounds, rows };
  }
}

function startOfDay(instant: number): number {
  return Math.floor(instant / DAY_MS) * DAY_MS;
}
