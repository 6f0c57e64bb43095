import Anthropic from '@anthropic-ai/sdk';
import { type Fetch, toModelError } from '../../common/providers/index.js';
import { type GenerationRequest, LanguageModel, type ModelEvent } from '../language-model.js';
import { estimatedUsage } from '../usage.js';
import { AnthropicEventReader } from './anthropic-events.js';
import { renderAnthropicRequest } from './anthropic-request.js';
import { apiKeyOf, type LanguageModelProvider, type ProviderSettings, SDK_TIMEOUT_MS } from './provider.js';

const PROVIDER = 'anthropic';
const BASE_URL = 'https://api.anthropic.com';

/** Claude, through Anthropic's Messages API, with its native citations. */
export class AnthropicLanguageModel extends LanguageModel {
  readonly id: string;
  readonly #client: Anthropic;

  /** @param model the API's own name, e.g. `claude-sonnet-5` */
  constructor(
    private readonly model: string,
    settings: ProviderSettings,
    fetch: Fetch,
  ) {
    super();
    this.id = `${PROVIDER}/${model}`;
    const apiKey = apiKeyOf(settings, 'ANTHROPIC_API_KEY');
    this.#client = new Anthropic({
      apiKey,
      // the SDK sends a bearer token since 1.0; the gateways that stand in for the API read this older header
      ...(settings.baseUrl !== undefined && { defaultHeaders: { 'x-api-key': apiKey } }),
      // null: else the SDK reads these from the environment
      authToken: null,
      webhookKey: null,
      baseURL: settings.baseUrl ?? BASE_URL,
      maxRetries: 0,
      timeout: SDK_TIMEOUT_MS,
      fetch,
      // the SDK logs the answers that it cannot parse, and answers are the caller's
      logLevel: 'off',
    });
  }

  override async *stream(request: GenerationRequest, signal: AbortSignal): AsyncGenerator<ModelEvent> {
    signal.throwIfAborted();
    const { params, headers, blocks } = renderAnthropicRequest(this.model, request);
    const reader = new AnthropicEventReader(PROVIDER, blocks);
    try {
      const events = await this.#client.messages.create({ ...params, stream: true }, { headers, signal });
      // accepted: the prompt is billed from here on, though its exact count is still to come
      yield { type: 'usage', usage: estimatedUsage(request) };
      for await (const event of events) yield* reader.read(event);
      // the SDK ends its stream silently when aborted
      signal.throwIfAborted();
      reader.end();
    } catch (error) {
      throw toModelError(error, PROVIDER, signal);
    }
  }
}

export const anthropicProvider: LanguageModelProvider = {
  name: PROVIDER,
  takesModelName: true,
  create: (modelName, settings, fetch) =>
    new AnthropicLanguageModel(modelName, settings.anthropic ?? {}, fetch),
};
