import { ConfigError } from '../config/index.js';
import { HttpTransport } from '../common/providers/index.js';
import type { LanguageModel } from './language-model.js';
import { languageModelProviders } from './providers/index.js';
import type { LanguageModelProvider, LanguageModelSettings } from './providers/provider.js';

/** The configuration names a provider that does not exist, or a model in a way that cannot be read. */
export class UnknownProviderError extends ConfigError {
  override readonly name = 'UnknownProviderError';
}

/** Two registered providers share a name, or two configured models an id. */
export class DuplicateModelError extends ConfigError {
  override readonly name = 'DuplicateModelError';
}

/** A caller asked for a model that is not configured. */
export class UnknownModelError extends Error {
  override readonly name = 'UnknownModelError';

  constructor(
    readonly model: string,
    readonly known: readonly string[],
  ) {
    super(`unknown model ${JSON.stringify(model)}; this service has ${known.join(', ')}`);
  }
}

/** The configured models, in order: the first is the default, the others are its fallbacks. */
export class LanguageModelRegistry {
  readonly #models = new Map<string, LanguageModel>();
  readonly #transport = new HttpTransport();
  readonly #default: LanguageModel;

  /**
   * @throws UnknownProviderError, DuplicateModelError, ProviderConfigurationError: a configuration that cannot work
   *   fails here, at the start, and not at the first question
   */
  constructor(
    settings: LanguageModelSettings,
    providers: readonly LanguageModelProvider[] = languageModelProviders,
  ) {
    const byName = new Map(providers.map((provider) => [provider.name, provider]));
    if (byName.size < providers.length) {
      throw new DuplicateModelError(
        `two providers share a name: ${providers.map(({ name }) => name).join(', ')}`,
      );
    }
    for (const name of settings.models) this.#add(this.#create(name, settings, byName));
    const [first] = this.#models.values();
    if (first === undefined) throw new UnknownProviderError('no model is configured: LLM_MODELS is empty');
    this.#default = first;
  }

  /** All models, the default first. */
  get all(): LanguageModel[] {
    return [...this.#models.values()];
  }

  /** Their ids, in the same order. */
  get ids(): string[] {
    return [...this.#models.keys()];
  }

  /** @param id as in `LLM_MODELS`; absent: the default. @throws UnknownModelError naming the configured ids */
  get(id?: string): LanguageModel {
    if (id === undefined) return this.#default;
    const model = this.#models.get(id);
    if (model === undefined) throw new UnknownModelError(id, this.ids);
    return model;
  }

  /** A model and then, in their configured order, all others: its fallbacks. @throws UnknownModelError */
  withFallbacks(id?: string): LanguageModel[] {
    const first = this.get(id);
    return [first, ...this.all.filter((model) => model !== first)];
  }

  /** Closes all connections to providers, also those in use. */
  async onModuleDestroy(): Promise<void> {
    await this.#transport.close();
  }

  #create(
    name: string,
    settings: LanguageModelSettings,
    providers: ReadonlyMap<string, LanguageModelProvider>,
  ): LanguageModel {
    const slash = name.indexOf('/');
    const [providerName, modelName] =
      slash === -1 ? [name, ''] : [name.slice(0, slash), name.slice(slash + 1)];
    const provider = providers.get(providerName);
    const forms = [...providers.values()].map((known) =>
      known.takesModelName ? `${known.name}/<model>` : known.name,
    );
    if (provider === undefined || provider.takesModelName !== (modelName !== '')) {
      throw new UnknownProviderError(
        `cannot read the model name ${JSON.stringify(name)}; known are ${forms.join(', ')}`,
      );
    }
    return provider.create(modelName, settings, this.#transport.fetch);
  }

  #add(model: LanguageModel): void {
    if (this.#models.has(model.id))
      throw new DuplicateModelError(`the model ${model.id} is configured twice`);
    this.#models.set(model.id, model);
  }
}
