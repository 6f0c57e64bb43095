import { codePointBoundary } from '../common/index.js';

/** What an answer is worth. */
export interface Judgement {
  /** Share of the answer's claims that its sources support, 0..1. */
  faithfulness: number;
  /** How well the answer addresses the question, 0 (not at all) to 1 (all of it). */
  relevance: number;
  /** Why, in plain words: 1 to 2,000 characters that a database can hold. */
  reasons: string;
}

/** A judge answered something else than a judgement. The message holds none of its words: they may hold anything. */
export class InvalidJudgementError extends Error {
  override readonly name = 'InvalidJudgementError';

  /** @param what what is wrong, as the end of a sentence that begins with "the judge's answer" */
  constructor(what: string) {
    super(`the judge's answer ${what}`);
  }
}

const LONGEST_REASONS = 2_000;
const KEYS: ReadonlySet<string> = new Set([
  'faithfulness',
  'relevance',
  'reasons',
] satisfies (keyof Judgement)[]);

/**
 * Reads the one JSON object in what a judge wrote. Code fences and words around it are overlooked, since models add them
 * whatever they are told; nothing else is. Reasons that are too long are cut.
 * @throws InvalidJudgementError
 */
export function parseJudgement(text: string): Judgement {
  const judged = objectIn(text);
  if (Object.keys(judged).some((key) => !KEYS.has(key)))
    throw new InvalidJudgementError('has a key that was not asked for');
  return {
    faithfulness: score(judged, 'faithfulness'),
    relevance: score(judged, 'relevance'),
    reasons: reasonsOf(judged),
  };
}

/** From the first brace to the last one: of two objects, or of braces in the words around, nothing is guessed. */
function objectIn(text: string): Record<string, unknown> {
  const start = text.indexOf('{');
  const end = text.lastIndexOf('}');
  if (start === -1 || end < start) throw new InvalidJudgementError('holds no JSON object');
  try {
    return JSON.parse(text.slice(start, end + 1)) as Record<string, unknown>;
  } catch {
    // not kept as the cause: the parser's message quotes the text
    throw new InvalidJudgementError('is not exactly one JSON object');
  }
}

function score(judged: Record<string, unknown>, key: 'faithfulness' | 'relevance'): number {
  const value = judged[key];
  if (typeof value !== 'number' || !(value >= 0 && value <= 1))
    throw new InvalidJudgementError(`has no ${key} from 0 to 1`);
  return value;
}

function reasonsOf({ reasons }: Record<string, unknown>): string {
  if (typeof reasons !== 'string') throw new InvalidJudgementError('gives no reasons');
  const text = reasons.replaceAll('\0', '').toWellFormed().trim();
  if (text === '') throw new InvalidJudgementError('gives no reasons');
  return text.slice(0, codePointBoundary(text, LONGEST_REASONS)).trimEnd();
}
