import { type Span, terms, words } from '../../common/text/index.js';
import type { SourcePassage } from '../language-model.js';
import { leadingMarkLength } from '../leading-mark.js';

/** A sentence of a source, and how well it answers the question. */
export interface RankedSentence {
  /** Index of its source. */
  source: number;
  /** Its span in the source's text, without list, heading and quote marks at its start. */
  span: Span;
  /** Its distinct index terms. */
  terms: ReadonlySet<string>;
  /** Share of the question's weight (0..1) that its words, those of its title and its neighbours cover. */
  coverage: number;
  /** What it is ranked by: coverage with bonuses and penalties. */
  score: number;
}

// Tuned on the English part of XQuAD (1,190 questions over 240 paragraphs), where the optimum is flat.
const BIGRAM_BONUS = 0.25;
const TITLE_SHARE = 0.3;
const NEIGHBOUR_SHARE = 0.35;
const SOURCE_SHARE = 0.15;
const RANK_PENALTY = 0.02;
const CUE_BONUS = 0.12;
const QUESTION_PENALTY = 0.3;
const FRAGMENT_PENALTY = 0.15;
const LENGTH_PENALTY = 0.1;
const LONG_SENTENCE_TERMS = 40;
const SHORT_SENTENCE_TERMS = 3;

interface Candidate {
  source: number;
  span: Span;
  text: string;
  list: string[];
  set: Set<string>;
}

/** Ranks all sentences of the sources, best first. */
export function rankSentences(question: string, sources: readonly SourcePassage[]): RankedSentence[] {
  const asked = terms(question);
  const candidates = sources.flatMap((passage, source) => candidatesOf(passage, source));
  const weights = questionWeights(asked, candidates);
  const total = [...weights.values()].reduce((sum, weight) => sum + weight, 0);
  if (total === 0) return [];
  const bigrams = new Set(pairs(asked));
  const cue = answerCue(question);
  const titles = sources.map((passage) => new Set(terms(passage.title)));
  const contents = sources.map((_, source) => unionOf(candidates.filter((other) => other.source === source)));
  return candidates
    .map((candidate, index) => {
      const { source, span, text, list, set } = candidate;
      const near = unionOf(
        [candidates[index - 1], candidates[index + 1]].filter((other) => other?.source === source),
      );
      const coverage = covered(weights, total, set, [
        [titles[source], TITLE_SHARE],
        [near, NEIGHBOUR_SHARE],
        [contents[source], SOURCE_SHARE],
      ]);
      const together =
        bigrams.size === 0 ? 0 : pairs(list).filter((pair) => bigrams.has(pair)).length / bigrams.size;
      const bonus = BIGRAM_BONUS * Math.min(1, together) + (cue?.(text, asked) ? CUE_BONUS : 0);
      const score = coverage * (1 + bonus - shapePenalty(text, list.length)) - RANK_PENALTY * source;
      return { source, span, terms: set, coverage, score };
    })
    .sort((a, b) => b.score - a.score);
}

function candidatesOf(passage: SourcePassage, source: number): Candidate[] {
  return passage.sentences.flatMap(({ start, end }) => {
    const from = start + leadingMarkLength(passage.text.slice(start, end));
    const text = passage.text.slice(from, end);
    const list = terms(text);
    return list.length === 0 ? [] : [{ source, span: { start: from, end }, text, list, set: new Set(list) }];
  });
}

/** Inverse document frequency of the question's terms over the sentences given (BM25's form, never negative). */
function questionWeights(asked: readonly string[], candidates: readonly Candidate[]): Map<string, number> {
  const weights = new Map<string, number>();
  for (const term of asked) {
    const containing = candidates.filter((candidate) => candidate.set.has(term)).length;
    weights.set(term, Math.log(1 + (candidates.length - containing + 0.5) / (containing + 0.5)));
  }
  return weights;
}

/** Share of the question's weight found in the sentence, or to a lesser part around it. */
function covered(
  weights: ReadonlyMap<string, number>,
  total: number,
  sentence: ReadonlySet<string>,
  around: readonly (readonly [ReadonlySet<string> | undefined, number])[],
): number {
  let sum = 0;
  for (const [term, weight] of weights) {
    if (sentence.has(term)) sum += weight;
    else sum += weight * Math.max(0, ...around.map(([context, share]) => (context?.has(term) ? share : 0)));
  }
  return sum / total;
}

function unionOf(candidates: readonly (Candidate | undefined)[]): Set<string> {
  return new Set(candidates.flatMap((candidate) => candidate?.list ?? []));
}

function pairs(list: readonly string[]): string[] {
  return list.slice(1).map((term, index) => `${list[index]} ${term}`);
}

function shapePenalty(text: string, length: number): number {
  if (text.endsWith('?')) return QUESTION_PENALTY;
  if (length <= SHORT_SENTENCE_TERMS) return FRAGMENT_PENALTY;
  return length > LONG_SENTENCE_TERMS ? LENGTH_PENALTY : 0;
}

type Cue = (sentence: string, asked: readonly string[]) => boolean;

const DATE =
  /\b(?:1\d{3}|20\d{2})s?\b|\b(?:january|february|march|april|may|june|july|august|september|october|november|december|century|monday|tuesday|wednesday|thursday|friday|saturday|sunday|decade)\b/i;
const NUMBER =
  /\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|hundred|thousand|million|billion|half|dozen|twice|once|percent)\b/i;

/** What the question's words say the answer looks like; undefined when they say nothing. */
function answerCue(question: string): Cue | undefined {
  const asked = ` ${words(question).join(' ')} `;
  if (
    / (?:when|what (?:year|date|day|month|century|decade)|which (?:year|date|day|month|century|decade)) /.test(
      asked,
    )
  )
    return (sentence) => DATE.test(sentence);
  if (
    / how (?:many|much|long|old|far|often|tall|big|large|high|fast) | what (?:percentage|percent|number|age) /.test(
      asked,
    )
  )
    return (sentence) => NUMBER.test(sentence);
  if (
    / (?:who|whom|whose|where|what city|what country|which city|which country|what (?:is|was) the name) /.test(
      asked,
    )
  )
    return hasNewName;
  if (/ why /.test(asked))
    return (sentence) =>
      /\b(?:because|since|due to|so that|in order to|as a result|therefore)\b/i.test(sentence);
  return undefined;
}

/** A capitalised word inside the sentence that the question has not named already. */
function hasNewName(sentence: string, asked: readonly string[]): boolean {
  const named = new Set(asked);
  return [...sentence.matchAll(/(?<=[^.!?]\s)\p{Lu}[\p{L}'’.-]+/gu)].some(([name]) =>
    terms(name).some((term) => !named.has(term)),
  );
}
