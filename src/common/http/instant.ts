import { invalidField } from '../errors/app-error.js';

/**
 * A date or a time, ISO 8601; without a zone it is UTC, whatever zone the server and its database are in.
 * @throws AppError INVALID_REQUEST naming the field
 */
export function instant(field: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const isZoned = /T.*(Z|[+-]\d\d(:?\d\d)?)$/i.test(value);
  const date = new Date(!isZoned && value.includes('T') ? `${value}Z` : value);
  // ISO 8601 has week dates, ordinal dates and more; neither the clock here nor the database's reads them
  if (!Number.isNaN(date.getTime()) && date.getUTCFullYear() > 0 && date.getUTCFullYear() < 10_000)
    return date.toISOString();
  throw invalidField(field, `${field} takes a date or time such as 2026-11-01 or 2026-11-01T09:30:00Z`);
}
