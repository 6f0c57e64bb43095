import type { OnModuleDestroy } from '@nestjs/common';
import { ConfigError } from '../config/index.js';
import type { EmbeddingModel } from './embedding-model.js';
import { QueryVectors } from './query-vectors.js';
import { storedDimensions } from './vector-storage.js';

/** The models in use: the configured one, and those that collections were or will be embedded with beside it. */
export class EmbeddingModels implements OnModuleDestroy {
  /** What new collections are embedded with. */
  readonly default: EmbeddingModel;
  /** Embeds queries with one of the models, and remembers them. */
  readonly queries: QueryVectors;
  private readonly models = new Map<string, EmbeddingModel>();

  /**
   * @param defaultId the id of the default model
   * @param queryCacheTtlMs how long the vectors of queries are remembered
   * @param create makes a model of its id; throws ConfigError for one that cannot be used with this configuration
   * @throws ConfigError when the default cannot be used
   */
  constructor(
    defaultId: string,
    queryCacheTtlMs: number,
    private readonly create: (id: string) => EmbeddingModel,
  ) {
    this.queries = new QueryVectors(queryCacheTtlMs);
    this.default = this.create(defaultId);
    this.models.set(this.default.id, this.default);
  }

  /** The model of this id. @throws ConfigError where it cannot be used with this configuration */
  get(id: string): EmbeddingModel {
    const known = this.models.get(id);
    if (known !== undefined) return known;
    const model = this.create(id);
    this.models.set(id, model);
    return model;
  }

  /** The model of this id, or undefined where it cannot be used with this configuration. */
  find(id: string): EmbeddingModel | undefined {
    try {
      return this.get(id);
    } catch (error) {
      if (error instanceof ConfigError) return undefined;
      throw error;
    }
  }

  /**
   * The size of the index that a model's vectors are in; 0: of none.
   * @throws RangeError for vectors that are too large
   */
  indexSize(id: string, dimensions: number): number {
    const size = storedDimensions(dimensions);
    return this.find(id)?.traits.findsBeyondKeywords === false ? 0 : size;
  }

  async onModuleDestroy(): Promise<void> {
    await Promise.all([...this.models.values()].map((model) => model.close()));
  }
}
