import { objectIn, words } from '../../common/index.js';

/** Longest question that is searched in place of, or beside, the one that was asked; UTF-16 code units. */
const LONGEST = 1_000;

/**
 * Reads the question in what a model wrote when it was to condense one.
 * @param question what it was made of
 * @returns undefined where there is none, or one in the same words
 */
export function parseCondensed(text: string, question: string): string | undefined {
  const condensed = searchable(objectIn(text)['question']);
  return condensed === undefined || wording(condensed) === wording(question) ? undefined : condensed;
}

/**
 * Reads the rephrasings in what a model wrote when it was to rephrase a question. What is no question is passed over, and
 * what has the same words as the question or as one before it.
 * @param most how many are taken
 */
export function parseRephrasings(text: string, question: string, most: number): string[] {
  const { rephrasings } = objectIn(text);
  if (!Array.isArray(rephrasings)) return [];
  const found = new Map<string, string>();
  const own = wording(question);
  for (const value of rephrasings) {
    const rephrasing = searchable(value);
    if (rephrasing === undefined) continue;
    const its = wording(rephrasing);
    if (its !== own && !found.has(its)) found.set(its, rephrasing);
    if (found.size === most) break;
  }
  return [...found.values()];
}

/** A text as it can be searched, on one line; undefined for what is none. */
function searchable(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value.toWellFormed().replaceAll('\0', ' ').replace(/\s+/g, ' ').trim();
  return text.length <= LONGEST && words(text).length > 0 ? text : undefined;
}

function wording(text: string): string {
  return words(text).join(' ');
}
