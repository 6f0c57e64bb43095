import { objectIn } from '../../common/index.js';

/**
 * Reads the ranking that a model wrote: numbers of passages from 1, best first. What is no such number is passed over,
 * and so is one that comes again.
 * @param count passages that there are
 * @returns a score for each passage: those that are not named come behind the others, in the order that they had;
 *   undefined where there is no ranking
 */
export function parseRanking(text: string, count: number): number[] | undefined {
  const { ranking } = objectIn(text);
  if (!Array.isArray(ranking)) return undefined;
  const named = new Set<number>();
  for (const number of ranking as unknown[])
    if (Number.isInteger(number) && Number(number) >= 1 && Number(number) <= count) named.add(Number(number));
  const scores = Array.from({ length: count }, (_, index) => -index);
  for (const [place, number] of [...named].entries()) scores[number - 1] = count - place;
  return scores;
}
