/**
 * Whether the server will never take the statement with its values: SQLSTATE classes 22, 23 and 42. Anything else may
 * heal.
 */
export function isDataError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(22|23|42)/.test(String(error.code));
}
