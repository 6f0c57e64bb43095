import { splitSentences, terms } from '../common/index.js';
import type { JudgedAnswer } from './judged-answer.js';
import type { Judgement } from './judgement.js';
import { SourceWindows, SUPPORTED_SHARE } from './source-windows.js';

/** Words that say how a question asks, not what about: no answer repeats them. */
const ASKING_TERMS: ReadonlySet<string> = new Set(terms('often many much please tell explain describe'));

/** A sentence that says that the answer is not known: it needs no support, and addresses nothing. English only. */
const NO_INFORMATION =
  /\b(?:I|we|sources?|documents?|passages?|context|knowledge base)\b.{0,40}?\b(?:do not|don['’]t|does not|doesn['’]t|cannot|can['’]t|could not|couldn['’]t) (?:have|find|know|contain|include|provide|answer|say|mention|state|specify|cover|tell)\b|\b(?:is|have|has|found|contains?) no (?:\p{L}+ )?information (?:about|on|regarding)\b/isu;

/**
 * Judges an answer by its words alone, for a service without a language model. Deterministic, and blind to meaning: a
 * paraphrase counts as unsupported, and so does a claim drawn from sentences far apart; a negation is not noticed.
 *
 * Faithfulness is the share of the answer's sentences whose words are found together in the sources; an answer that
 * claims nothing has nothing unsupported in it, so that share is 1. Relevance is the share of the question's terms
 * found in the answer's claims or in what supports them; 0 when nothing is claimed, 1 when the question has no terms.
 */
export function judgeLexically({ question, answer, passages }: JudgedAnswer): Judgement {
  const windows = new SourceWindows(passages);
  const found = new Set<string>();
  let claims = 0;
  let supported = 0;
  for (const { start, end } of splitSentences(answer)) {
    const sentence = answer.slice(start, end);
    const claim = new Set(terms(sentence));
    const support = windows.support(claim);
    // what the sources themselves say is a claim, even if it reads like an excuse
    if (claim.size === 0 || (support === undefined && NO_INFORMATION.test(sentence))) continue;
    claims++;
    if (support !== undefined) supported++;
    for (const term of [...claim, ...(support ?? [])]) found.add(term);
  }
  const asked = [...new Set(terms(question))].filter((term) => !ASKING_TERMS.has(term));
  const addressed = asked.filter((term) => found.has(term)).length;
  return {
    faithfulness: claims === 0 ? 1 : supported / claims,
    relevance: relevanceOf(claims, addressed, asked.length),
    reasons: `Measured by words, not by a language model. ${faithfulnessReason(supported, claims)} ${relevanceReason(addressed, asked.length, claims)}`,
  };
}

function relevanceOf(claims: number, addressed: number, asked: number): number {
  if (claims === 0) return 0;
  return asked === 0 ? 1 : addressed / asked;
}

function faithfulnessReason(supported: number, claims: number): string {
  if (claims === 0) return 'The answer claims nothing that sources would have to support.';
  return `Sentences of the answer with at least ${SUPPORTED_SHARE * 100} % of their terms and all of their figures in neighbouring sentences of one source: ${supported} of ${claims}.`;
}

function relevanceReason(addressed: number, asked: number, claims: number): string {
  if (claims === 0) return 'So it does not address the question.';
  if (asked === 0) return 'The question has no terms that an answer could be held against.';
  return `Terms of the question found in the answer or in the sentences that support it: ${addressed} of ${asked}.`;
}
