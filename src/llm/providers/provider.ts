import { ConfigError } from '../../config/index.js';
import type { Fetch } from '../../common/providers/index.js';
import type { LanguageModel } from '../language-model.js';

/** How to reach one provider. */
export interface ProviderSettings {
  apiKey?: string;
  baseUrl?: string;
}

/** What the registry is built from. Nothing in this module reads the environment. */
export interface LanguageModelSettings {
  /** Names as in `LLM_MODELS`: `provider/model`, or `extractive`. The first is the default. */
  models: readonly string[];
  anthropic?: ProviderSettings;
  openai?: ProviderSettings;
}

/** One entry of the provider registry (`providers/index.ts`). */
export interface LanguageModelProvider {
  /** The part of a model's name before the slash. */
  readonly name: string;
  /** Told when a name without a model (`anthropic`) is a mistake. */
  readonly takesModelName: boolean;
  /**
   * @param modelName the part after the slash, as the provider's API takes it
   * @throws ProviderConfigurationError when the settings are not enough to call the provider
   */
  create(modelName: string, settings: LanguageModelSettings, fetch: Fetch): LanguageModel;
}

/** A configured provider that cannot work as it is configured. */
export class ProviderConfigurationError extends ConfigError {
  override readonly name = 'ProviderConfigurationError';
}

/** The SDKs time only the wait for headers; the pipeline's own timeouts are all shorter. */
export const SDK_TIMEOUT_MS = 3_600_000;

/**
 * The key to hand to an SDK. A server of one's own behind a base URL often needs none, but the SDKs insist on one, and
 * would look for it in the environment.
 */
export function apiKeyOf(settings: ProviderSettings, variable: string): string {
  const { apiKey, baseUrl } = settings;
  if (apiKey !== undefined && apiKey !== '') return apiKey;
  if (baseUrl !== undefined) return 'unused';
  throw new ProviderConfigurationError(`${variable} is not set, and LLM_MODELS names a model that needs it`);
}
