import { Injectable } from '@nestjs/common';
import { AppError } from '../common/index.js';
import { Database } from '../database/index.js';
import { EmbeddingModel } from '../embeddings/index.js';
import { COLLECTION_NAME, type CollectionDto } from './dto/collection.dto.js';

export interface Collection {
  id: number;
  name: string;
  spaceId: number;
}

interface CollectionRow {
  name: string;
  description: string | null;
  documents: number;
  chunks: string;
  model: string;
  dimensions: number | null;
  created_at: Date;
}

const LIST = `
  SELECT c.name, c.description, c.chunk_count AS chunks, s.model, s.dimensions, c.created_at,
         (SELECT count(*)::int FROM documents d WHERE d.collection_id = c.id) AS documents
  FROM collections c JOIN embedding_spaces s ON s.collection_id = c.id AND s.active
  WHERE $1::text IS NULL OR c.name = $1 ORDER BY c.name`;

/** Named sets of documents. */
@Injectable()
export class CollectionsService {
  constructor(
    private readonly database: Database,
    private readonly embeddingModel: EmbeddingModel,
  ) {}

  async list(): Promise<CollectionDto[]> {
    return (await this.database.query<CollectionRow>(LIST, [null])).map(toDto);
  }

  /** @throws AppError NOT_FOUND */
  async get(name: string): Promise<CollectionDto> {
    const [row] = COLLECTION_NAME.test(name) ? await this.database.query<CollectionRow>(LIST, [name]) : [];
    if (row === undefined) throw notFound(name);
    return toDto(row);
  }

  /** @throws AppError CONFLICT when there is one of that name */
  async create(name: string, description: string | null): Promise<CollectionDto> {
    if (!(await this.insert(name, description)))
      throw new AppError('CONFLICT', `There is a collection ${JSON.stringify(name)} already.`);
    return this.get(name);
  }

  /** Deletes a collection with all its documents. @throws AppError NOT_FOUND */
  async delete(name: string): Promise<void> {
    const deleted = COLLECTION_NAME.test(name)
      ? await this.database.query('DELETE FROM collections WHERE name = $1 RETURNING id', [name])
      : [];
    if (deleted.length === 0) throw notFound(name);
  }

  /**
   * The collection of that name, made when it is first named.
   * @throws AppError CONFLICT when it is embedded with another model than the configured one
   */
  async ensure(name: string): Promise<Collection> {
    const found = (await this.find(name)) ?? (await this.insert(name, null).then(() => this.find(name)));
    if (found === undefined) throw notFound(name);
    if (found.model !== this.embeddingModel.id)
      throw new AppError(
        'CONFLICT',
        `Collection ${JSON.stringify(name)} is embedded with ${found.model}, but EMBEDDING_MODEL is ` +
          `${this.embeddingModel.id}. Vectors of two models cannot be compared: set EMBEDDING_MODEL back, ` +
          'or use a new collection.',
      );
    return { id: found.id, name, spaceId: found.space_id };
  }

  private async find(name: string): Promise<{ id: number; space_id: number; model: string } | undefined> {
    const [row] = await this.database.query<{ id: number; space_id: number; model: string }>(
      `SELECT c.id, s.id AS space_id, s.model
       FROM collections c JOIN embedding_spaces s ON s.collection_id = c.id AND s.active WHERE c.name = $1`,
      [name],
    );
    return row;
  }

  /** One statement, so that a collection is never without its vector space. @returns false when there was one */
  private async insert(name: string, description: string | null): Promise<boolean> {
    const made = await this.database.query(
      `WITH made AS (
         INSERT INTO collections (name, description) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING RETURNING id
       )
       INSERT INTO embedding_spaces (collection_id, model, active) SELECT id, $3, true FROM made RETURNING id`,
      [name, description, this.embeddingModel.id],
    );
    return made.length > 0;
  }
}

function notFound(name: string): AppError {
  return new AppError('NOT_FOUND', `There is no collection ${JSON.stringify(name)}.`);
}

function toDto(row: CollectionRow): CollectionDto {
  return {
    name: row.name,
    description: row.description,
    documents: row.documents,
    chunks: Number(row.chunks),
    embedding_model: row.model,
    dimensions: row.dimensions,
    created_at: row.created_at.toISOString(),
  };
}
