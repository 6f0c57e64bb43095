import { countTokens, ModelError } from '../../common/index.js';
import {
  callOf,
  type GenerationRequest,
  type LanguageModel,
  type ModelCaller,
  worstUsage,
} from '../../llm/index.js';
import { rerankV1 } from '../../prompts/index.js';
import { Reranker, type RerankRequest } from '../reranker.js';
import { parseRanking } from './ranking.js';

const CANDIDATES = 20;
/** Most tokens of the passages: twenty usual ones fit. */
const PASSAGE_TOKENS = 12_000;
/** Twenty numbers take a quarter of it. */
const MAX_TOKENS = 300;
/** Most characters read of a model that ignores that bound. */
const LONGEST_TEXT = 20_000;

/**
 * Has a language model read the passages together and rank them (listwise: Sun et al., "Is ChatGPT Good at Search?",
 * 2023). The next model is asked where one fails.
 */
export class LlmReranker extends Reranker {
  override readonly id: string;
  override readonly candidates = CANDIDATES;

  /** @param models those to ask, in order; one at least */
  constructor(
    private readonly models: readonly [LanguageModel, ...LanguageModel[]],
    private readonly caller: ModelCaller,
  ) {
    super();
    this.id = models[0].id;
  }

  override async score({ query, passages, signal, deadline, meter }: RerankRequest): Promise<number[]> {
    const request = requestOf(query, passages);
    const models = this.models.map(({ id }) => id);
    const giveUp = await meter.hold(() => ({ models, ...worstUsage(request) }));
    let calls = 0;
    let text = '';
    try {
      const events = this.caller.stream(this.models, request, signal, {
        beforeAttempt: () => meter.cover(),
        onAttempt: (report) => meter.add(callOf(report, ++calls)),
        // in place of a signal, so that a model that is too slow has failed, and was not left
        timeoutMs: deadline - performance.now(),
      });
      for await (const event of events) {
        if (event.type === 'text') text += event.text;
        // leaving the loop stops the call
        if (text.length > LONGEST_TEXT) break;
      }
    } finally {
      giveUp();
    }
    const scores = parseRanking(text, passages.length);
    if (scores !== undefined) return scores;
    throw new ModelError(`${this.id} wrote no ranking`, {
      kind: 'malformed_response',
      provider: this.id.split('/', 1).join(),
    });
  }
}

function requestOf(query: string, passages: readonly string[]): GenerationRequest {
  const prompt = rerankV1({ question: query, passages, passageTokens: PASSAGE_TOKENS, countTokens });
  return {
    instructions: prompt.instructions,
    markerInstructions: '',
    sources: [],
    // in the question's text instead: an adapter with native source blocks sends no other text for sources
    sourcesText: '',
    history: [],
    question: query,
    questionText: `${prompt.passagesText}\n\n${prompt.questionText}`,
    maxTokens: MAX_TOKENS,
    temperature: 0,
  };
}
