import type { AnswerPromptInput, CondensePromptInput, Turn } from './prompt.js';

/** Fewer tokens than this of a passage say too little to be worth a source. */
const SMALLEST_CUT = 64;

/** Written behind a passage that was cut. */
export const CUT_NOTE = '\n(cut here: the passage goes on)';

/** Earlier turns that say what a question is about. */
const MOST_TURNS = 8;

export interface PackedPassage {
  passage: number;
  text: string;
  isCut: boolean;
}

/**
 * Takes whole passages, best first, while they fit the budget; one that does not fit is left out and smaller ones after
 * it may still fit. Only when not even the best one fits is it cut, at a white space, and marked as cut.
 */
export function packPassages(
  passages: readonly { text: string }[],
  budget: number,
  countTokens: (text: string) => number,
): PackedPassage[] {
  // a token is a byte or more: what fits as bytes need not be counted, and usually all of it does
  if (passages.reduce((bytes, { text }) => bytes + Buffer.byteLength(text), 0) <= budget)
    return passages.map(({ text }, passage) => ({ passage, text, isCut: false }));
  const packed: PackedPassage[] = [];
  let left = budget;
  for (const [passage, { text }] of passages.entries()) {
    const tokens = countTokens(text);
    if (tokens <= left) {
      packed.push({ passage, text, isCut: false });
      left -= tokens;
    }
  }
  const best = passages[0];
  if (packed.length === 0 && best !== undefined && budget >= SMALLEST_CUT) {
    const text = cutToTokens(best.text, budget, countTokens);
    if (text !== '') packed.push({ passage: 0, text, isCut: true });
  }
  return packed;
}

/** The latest turns that fit, oldest first. Never starts with an answer whose question was dropped. */
export function packHistory({
  history,
  historyTokens,
  countTokens,
}: Pick<AnswerPromptInput, 'history' | 'historyTokens' | 'countTokens'>): Turn[] {
  let left = historyTokens;
  let first = history.length;
  while (first > 0) {
    const turn = history[first - 1];
    const tokens = turn === undefined ? 0 : countTokens(turn.content);
    if (tokens > left) break;
    left -= tokens;
    first--;
  }
  while (history[first]?.role === 'assistant') first++;
  return history.slice(first);
}

/** As {@link packHistory}, of at most {@link MOST_TURNS} turns, with the end of each that is too long cut off. */
export function packShortened(input: CondensePromptInput): Turn[] {
  const { countTokens, turnTokens } = input;
  const history = input.history.slice(-MOST_TURNS).map(({ role, content }) => ({
    role,
    content: countTokens(content) <= turnTokens ? content : cutToTokens(content, turnTokens, countTokens),
  }));
  return packHistory({ ...input, history });
}

/** The longest prefix, ending at a white space, of at most `budget` tokens. */
function cutToTokens(text: string, budget: number, countTokens: (text: string) => number): string {
  let low = 0;
  let high = text.length;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (countTokens(text.slice(0, middle)) <= budget) low = middle;
    else high = middle - 1;
  }
  const space = text.slice(0, low).search(/\s\S*$/);
  return space > 0 ? text.slice(0, space) : '';
}
