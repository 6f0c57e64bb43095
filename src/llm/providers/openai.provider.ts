import type OpenAI from 'openai';
import { type Fetch, ModelError, openAiClient, toModelError } from '../../common/providers/index.js';
import { type GenerationRequest, LanguageModel, type ModelEvent } from '../language-model.js';
import { OpenAiChunkReader } from './openai-chunks.js';
import { renderOpenAiRequest } from './openai-request.js';
import { apiKeyOf, type LanguageModelProvider, type ProviderSettings, SDK_TIMEOUT_MS } from './provider.js';

const PROVIDER = 'openai';
const BASE_URL = 'https://api.openai.com/v1';

/** OpenAI's chat completions, and every server that speaks them: Ollama, vLLM, LM Studio, LiteLLM, OpenRouter. */
export class OpenAiLanguageModel extends LanguageModel {
  readonly id: string;
  readonly #client: OpenAI;
  readonly #official: boolean;

  /** @param model the API's own name, e.g. `gpt-5.4-mini`; it may hold slashes */
  constructor(
    private readonly model: string,
    settings: ProviderSettings,
    fetch: Fetch,
  ) {
    super();
    this.id = `${PROVIDER}/${model}`;
    const baseURL = settings.baseUrl ?? BASE_URL;
    this.#official = URL.canParse(baseURL) && new URL(baseURL).hostname.endsWith('openai.com');
    this.#client = openAiClient({
      apiKey: apiKeyOf(settings, 'OPENAI_API_KEY'),
      baseURL,
      timeout: SDK_TIMEOUT_MS,
      fetch,
    });
  }

  override async *stream(request: GenerationRequest, signal: AbortSignal): AsyncGenerator<ModelEvent> {
    signal.throwIfAborted();
    const params = renderOpenAiRequest(this.model, request, this.#official);
    const reader = new OpenAiChunkReader(PROVIDER, request);
    try {
      const chunks = await this.#client.chat.completions.create(params, { signal });
      // accepted: the prompt is billed from here on, though its exact count comes last, if at all
      yield { type: 'usage', usage: reader.estimate() };
      for await (const chunk of chunks) yield* reader.read(chunk);
      // the SDK ends its stream silently when aborted
      signal.throwIfAborted();
    } catch (error) {
      const failure = toModelError(error, PROVIDER, signal);
      // the answer is complete: only its bill was lost
      if (!(reader.finished && lostConnection(failure))) throw failure;
    }
    yield* reader.end();
  }
}

function lostConnection(error: ModelError): boolean {
  return error.kind === 'connection';
}

export const openAiProvider: LanguageModelProvider = {
  name: PROVIDER,
  takesModelName: true,
  create: (modelName, settings, fetch) => new OpenAiLanguageModel(modelName, settings.openai ?? {}, fetch),
};
