/**
 * The JSON object in what a model wrote: from the first brace to the last one, whatever stands around, since models add
 * code fences and words. Where that is none, an empty one.
 */
export function objectIn(text: string): Record<string, unknown> {
  const start = text.indexOf('{');
  const end = text.lastIndexOf('}');
  if (start === -1 || end < start) return {};
  try {
    return JSON.parse(text.slice(start, end + 1)) as Record<string, unknown>;
  } catch {
    return {};
  }
}
