import { terms } from '../common/index.js';

/** A passage as it is read: what it is found under, and what it says. */
export interface ReadPassage {
  /** Title and headings. */
  context: string;
  text: string;
  /** Of the search before, 0..1. */
  score: number;
}

/** How much each sign counts beside the score of the search, which is at most 1; measured, and flat around these. */
const PAIRS = 0.3;
const NEARNESS = 0.3;
const TITLE = 0.3;
/** Terms within which words of the question count as near each other. */
const WINDOW = 30;
/** How soon more of the same pair says less; k1 of BM25. */
const SATURATION = 1.2;
/** What a word counts that is in all passages. */
const LEAST_WEIGHT = 0.1;

/**
 * Scores that see what a bag of words does not: neighbouring words of the question that are neighbours in the passage,
 * too (the sequential dependence model, Metzler & Croft 2005), how much of the question stands close together, and how
 * much of the title is in the question. Words count by their rarity among these passages.
 *
 * @param passages the first ones that a search has found, best first
 * @returns one score a passage, higher is better
 */
export function proximityScores(query: string, passages: readonly ReadPassage[]): number[] {
  const asked = terms(query);
  const read = passages.map(({ context, text, score }) => {
    const title = terms(context);
    return { score, title: new Set(title), words: [...title, ...terms(text)] };
  });
  const weights = weightsOf(asked, read);
  const total = sum([...weights.values()]);
  if (total === 0) return passages.map(({ score }) => score);
  const mean = total / weights.size;
  const pairs = pairsOf(asked, weights);
  return read.map(({ score, title, words }) => {
    const titleWeight = sum([...title].map((word) => weights.get(word) ?? mean));
    const titleShare =
      titleWeight === 0 ? 0 : sum([...title].map((word) => weights.get(word) ?? 0)) / titleWeight;
    return (
      score +
      PAIRS * sharedPairs(pairs, words) +
      (NEARNESS * heaviestWindow(words, weights)) / total +
      TITLE * titleShare
    );
  });
}

/** The weight of each distinct word: its inverse document frequency among the passages. */
function weightsOf(
  asked: readonly string[],
  read: readonly { words: readonly string[] }[],
): Map<string, number> {
  const sets = read.map(({ words }) => new Set(words));
  return new Map(
    asked.map((word) => {
      const having = sets.filter((set) => set.has(word)).length;
      return [word, LEAST_WEIGHT + Math.log(1 + (sets.length - having + 0.5) / (having + 0.5))];
    }),
  );
}

/** The question's pairs of neighbouring words. */
interface Pairs {
  /** By the pair, `first second`. */
  weights: ReadonlyMap<string, number>;
  firsts: ReadonlySet<string>;
  total: number;
}

function pairsOf(asked: readonly string[], weights: ReadonlyMap<string, number>): Pairs {
  const pairs = new Map<string, number>();
  const firsts = new Set<string>();
  let total = 0;
  for (const [index, first] of asked.entries()) {
    const second = asked[index + 1];
    if (second === undefined || second === first) continue;
    const weight = (weights.get(first) ?? 0) + (weights.get(second) ?? 0);
    pairs.set(`${first} ${second}`, weight);
    firsts.add(first);
    total += weight;
  }
  return { weights: pairs, firsts, total };
}

/** Share, by weight, of the question's pairs that are neighbours here; above 1 where they often are. */
function sharedPairs({ weights, firsts, total }: Pairs, words: readonly string[]): number {
  if (total === 0) return 0;
  const counts = new Map<string, number>();
  for (const [index, first] of words.entries()) {
    if (!firsts.has(first)) continue;
    const pair = `${first} ${words[index + 1]}`;
    if (weights.has(pair)) counts.set(pair, (counts.get(pair) ?? 0) + 1);
  }
  let found = 0;
  for (const [pair, count] of counts)
    found += ((weights.get(pair) ?? 0) * count * (SATURATION + 1)) / (count + SATURATION);
  return found / total;
}

/** The largest weight of distinct words of the question within a window. */
function heaviestWindow(words: readonly string[], weights: ReadonlyMap<string, number>): number {
  const counts = new Map<string, number>();
  const inside: { at: number; word: string }[] = [];
  let weight = 0;
  let heaviest = 0;
  for (const [at, word] of words.entries()) {
    const own = weights.get(word);
    if (own === undefined) continue;
    inside.push({ at, word });
    const count = counts.get(word) ?? 0;
    counts.set(word, count + 1);
    if (count === 0) weight += own;
    while (at - (inside[0]?.at ?? at) > WINDOW) {
      const gone = inside.shift()?.word ?? '';
      const left = (counts.get(gone) ?? 1) - 1;
      counts.set(gone, left);
      if (left === 0) weight -= weights.get(gone) ?? 0;
    }
    heaviest = Math.max(heaviest, weight);
  }
  return heaviest;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
