import { AppError } from '../errors/app-error.js';

/** Cursors as lists give them. */
export const CURSOR = /^[A-Za-z0-9_-]{1,64}$/;
export const CURSOR_MESSAGE = 'cursor takes the next_cursor of a list';

/** The place after a row of a list, by its sequence number, as something opaque. */
export function encodeCursor(seq: string): string {
  return Buffer.from(`s${seq}`).toString('base64url');
}

/** @throws AppError INVALID_REQUEST for a cursor that is none of ours */
export function decodeCursor(cursor: string): string {
  const seq = /^s(\d{1,18})$/.exec(Buffer.from(cursor, 'base64url').toString())?.[1];
  if (seq !== undefined) return seq;
  throw new AppError('INVALID_REQUEST', CURSOR_MESSAGE, {
    errors: [{ field: 'cursor', message: CURSOR_MESSAGE }],
  });
}

/** A page of rows that were read with one more than it takes, and the cursor of the next one. */
export function pageOf<T extends { seq: string }>(
  rows: readonly T[],
  limit: number,
): { page: T[]; next: string | null } {
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  return { page, next: last === undefined ? null : encodeCursor(last.seq) };
}
