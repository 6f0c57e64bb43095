import { terms, words } from '../../common/index.js';
import type { Turn } from '../../prompts/index.js';

/** A question with fewer content words than this hardly says what it is about. */
const FEWEST_TERMS = 3;
/** English words that stand for something that was said before. */
const ANAPHORA = new Set(
  "it it's its he him his she her hers they them their theirs this that that's these those former latter".split(
    ' ',
  ),
);
/** Words that a question begins with when it goes on. */
const CONNECTIVES = new Set(['and', 'or', 'but', 'so', 'then', 'also']);
/** Most words that are taken from earlier turns: more would say more than the question. */
const MOST_WORDS = 12;
/** Most turns of the user that are looked at. */
const MOST_TURNS = 4;

/**
 * Condenses a follow-up question without a model: behind it come the content words of the user's turns before it, latest
 * first, up to and with the latest turn that can be understood by itself. It sees words and no meaning, and what it makes
 * is a query rather than a sentence. Which words refer to others, it knows for English only; elsewhere, only a question
 * with fewer than three words counts as a follow-up.
 * @returns undefined where the question can be understood by itself, or there is nothing to add
 */
export function condenseByWords(question: string, history: readonly Turn[]): string | undefined {
  if (!isFollowUp(question)) return undefined;
  const known = new Set(terms(question));
  const added: string[] = [];
  const turns = history.filter(({ role }) => role === 'user').slice(-MOST_TURNS);
  for (const { content } of turns.reverse()) {
    for (const word of words(content)) {
      const [term] = terms(word);
      if (term === undefined || known.has(term) || added.length === MOST_WORDS) continue;
      known.add(term);
      added.push(word);
    }
    if (!isFollowUp(content)) break;
  }
  return added.length === 0 ? undefined : `${question.trim()} ${added.join(' ')}`;
}

function isFollowUp(question: string): boolean {
  const said = words(question);
  return (
    CONNECTIVES.has(said[0] ?? '') ||
    said.some((word) => ANAPHORA.has(word)) ||
    new Set(terms(question)).size < FEWEST_TERMS
  );
}
