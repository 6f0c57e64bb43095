/** PostgreSQL's text can hold neither NUL nor half of a surrogate pair. */
export function cleanText(text: string): string {
  return text.replaceAll('\0', '').toWellFormed().trim();
}

/** A JSON object that jsonb can hold: without either, in values and in keys. */
export function storable(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [cleanText(key), storableValue(item)]),
  );
}

function storableValue(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('\0', '').toWellFormed();
  if (Array.isArray(value)) return value.map(storableValue);
  if (typeof value !== 'object' || value === null) return value;
  return storable(value as Record<string, unknown>);
}
