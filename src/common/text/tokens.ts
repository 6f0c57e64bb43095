import { countTokens as count } from 'gpt-tokenizer/encoding/o200k_base';

/** Longest run without white space that is counted whole; byte-pair merging is quadratic in the length of a run. */
const LONGEST_RUN = 256;
const longRuns = new RegExp(`\\S{${LONGEST_RUN}}(?=\\S)`, 'g');
const options = { disallowedSpecial: new Set<string>() };

/**
 * Tokens of a text in OpenAI's `o200k_base` encoding. Exact for OpenAI's current models; an estimate for others, whose
 * own count differs by up to a third. Text that looks like a special token is counted as text.
 */
export function countTokens(text: string): number {
  return count(text.replace(longRuns, '$& '), options);
}
