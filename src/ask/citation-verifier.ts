import { type Span, splitSentences, terms } from '../common/index.js';
import type { ModelCitation } from '../llm/index.js';
import type { SearchHit } from '../retrieval/index.js';
import type { Citation } from './answer-event.js';

/** Share of a claim's terms that a sentence must have to count as its support. */
const SMALLEST_SUPPORT = 0.3;

/** A passage as the model saw it: a prefix of the hit's text, the same unless it was cut. */
export class ShownSource {
  #sentences: Span[] | undefined;
  #terms: Set<string>[] | undefined;

  constructor(
    readonly hit: SearchHit,
    readonly text: string,
  ) {}

  /** Spans of `text`: what a citation quotes. Made when first read: most passages of an answer are never cited. */
  get sentences(): Span[] {
    return (this.#sentences ??= splitSentences(this.text));
  }

  /** The terms of each sentence, made once for all claims. */
  get sentenceTerms(): readonly ReadonlySet<string>[] {
    return (this.#terms ??= this.sentences.map(
      ({ start, end }) => new Set(terms(this.text.slice(start, end))),
    ));
  }
}

/**
 * Turns a model's claim into a citation that holds: the quote is cut out of the stored text, never taken from the
 * model. A model that names only the source gets the sentence that supports its claim best; a claim without support
 * is left out.
 * @param answer the answer's text so far
 */
export function verifyCitation(
  claim: ModelCitation,
  answer: string,
  sources: readonly ShownSource[],
): Citation | undefined {
  const source = sources[claim.source];
  if (source === undefined || claim.start < 0 || claim.end > answer.length || claim.start >= claim.end)
    return undefined;
  const span = claim.quote ?? bestSupport(answer.slice(claim.start, claim.end), source);
  if (span === undefined || span.start < 0 || span.end > source.text.length || span.start >= span.end)
    return undefined;
  return {
    start: claim.start,
    end: claim.end,
    source: claim.source,
    quote: source.text.slice(span.start, span.end),
    sourceStart: source.hit.start + span.start,
    sourceEnd: source.hit.start + span.end,
  };
}

/** The sentence that has most of the claim's terms; of equal ones the shortest. */
function bestSupport(claim: string, { sentences, sentenceTerms }: ShownSource): Span | undefined {
  const wanted = new Set(terms(claim));
  if (wanted.size === 0) return undefined;
  let best: { span: Span; support: number; length: number } | undefined;
  for (const [index, span] of sentences.entries()) {
    const found = sentenceTerms[index];
    let shared = 0;
    for (const term of wanted) if (found?.has(term)) shared++;
    const support = shared / wanted.size;
    const length = span.end - span.start;
    if (best === undefined || support > best.support || (support === best.support && length < best.length))
      best = { span, support, length };
  }
  return best !== undefined && best.support >= SMALLEST_SUPPORT ? best.span : undefined;
}
