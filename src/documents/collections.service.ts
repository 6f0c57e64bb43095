import { Injectable } from '@nestjs/common';
import { AppError, type Caller, checkWritable } from '../common/index.js';
import { Database } from '../database/index.js';
import { EmbeddingModels } from '../embeddings/index.js';
import { COLLECTION_NAME, type CollectionDto, type CreateCollectionDto } from './dto/collection.dto.js';
import type { ReembeddingDto } from './reembedding/reembedding.dto.js';
import { checkVisible, type Visibility, visibilityOf } from './visibility.js';

export interface Collection {
  id: number;
  name: string;
}

interface CollectionRow {
  name: string;
  description: string | null;
  language: string | null;
  documents: number;
  chunks: string;
  model: string;
  dimensions: number | null;
  created_at: Date;
  /** Of the space that is being built, if there is one. */
  next_model: string | null;
  next_state: ReembeddingDto['state'];
  next_error: string | null;
  chunks_done: string;
  /** The caller sees all of its documents. */
  is_whole: boolean;
}

/** What a {@link Visibility} shows: collection, readable, labels and kept are the parameters. */
const LIST = `
  SELECT c.name, ($3::text[] IS NULL OR $4::text[] IS NULL OR c.name = ANY ($4)) AS is_whole, c.description, c.language, content.chunks, s.model, s.dimensions, c.created_at, content.documents,
         next.model AS next_model, next.state AS next_state, next.error AS next_error,
         (SELECT count(*) FROM chunk_embeddings e WHERE e.space_id = next.id) AS chunks_done
  FROM collections c JOIN embedding_spaces s ON s.collection_id = c.id AND s.active
  LEFT JOIN embedding_spaces next
    ON next.collection_id = c.id AND next.state IN ('building', 'stopped', 'failed')
  CROSS JOIN LATERAL (
    SELECT count(*)::int AS documents, coalesce(sum(d.chunk_count), 0) AS chunks
    FROM documents d
    WHERE d.collection_id = c.id AND ($3::text[] IS NULL OR d.allowed IS NULL OR d.allowed && $3
      OR $4::text[] IS NULL OR c.name = ANY ($4))
  ) content
  WHERE ($1::text IS NULL OR c.name = $1)
    AND ($2::text[] IS NULL OR c.name = ANY ($2) OR $4::text[] IS NULL OR c.name = ANY ($4))
  ORDER BY c.name`;

const DELETE_ATTEMPTS = 3;

/** Named sets of documents. */
@Injectable()
export class CollectionsService {
  constructor(
    private readonly database: Database,
    private readonly models: EmbeddingModels,
  ) {}

  async list(visibility: Visibility): Promise<CollectionDto[]> {
    return (await this.read(null, visibility)).map(toDto);
  }

  /** @throws AppError NOT_FOUND, FORBIDDEN for one that the caller sees nothing of, there or not */
  async get(name: string, visibility: Visibility): Promise<CollectionDto> {
    checkVisible(visibility, name);
    const [row] = COLLECTION_NAME.test(name) ? await this.read(name, visibility) : [];
    if (row === undefined) throw notFound(name);
    return toDto(row);
  }

  private read(name: string | null, { readable, labels, kept }: Visibility): Promise<CollectionRow[]> {
    const values = [name, readable, labels, kept];
    return this.database.query<CollectionRow & Record<string, unknown>>(LIST, values);
  }

  /** @throws AppError NOT_FOUND */
  async idOf(name: string): Promise<number> {
    const found = COLLECTION_NAME.test(name) ? await this.find(name) : undefined;
    if (found === undefined) throw notFound(name);
    return found.id;
  }

  /** @throws AppError CONFLICT when there is one of that name, FORBIDDEN for one that the caller may not write to */
  async create(collection: CreateCollectionDto, caller: Caller): Promise<CollectionDto> {
    checkWritable(caller, collection.name);
    if (!(await this.insert(collection)))
      throw new AppError('CONFLICT', `There is a collection ${JSON.stringify(collection.name)} already.`);
    return this.get(collection.name, visibilityOf(caller));
  }

  /** Deletes a collection with all its documents. @throws AppError NOT_FOUND, FORBIDDEN as `create` */
  async delete(name: string, caller: Caller): Promise<void> {
    checkWritable(caller, name);
    const deleted = COLLECTION_NAME.test(name) ? await this.deleteRow(name) : [];
    if (deleted.length === 0) throw notFound(name);
  }

  private async deleteRow(name: string): Promise<object[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.database.query('DELETE FROM collections WHERE name = $1 RETURNING id', [name]);
      } catch (error) {
        // against somebody who writes a document of it, who locks the rows in the other order
        const isDeadlock = error instanceof Error && 'code' in error && error.code === '40P01';
        if (!isDeadlock || attempt === DELETE_ATTEMPTS) throw error;
      }
    }
  }

  /**
   * The collection of that name, made when it is first named.
   * @throws AppError CONFLICT when it is embedded with a model that cannot be used with this configuration
   */
  async ensure(name: string): Promise<Collection> {
    const found = (await this.find(name)) ?? (await this.insert({ name }).then(() => this.find(name)));
    if (found === undefined) throw notFound(name);
    if (this.models.find(found.model) === undefined)
      throw new AppError(
        'CONFLICT',
        `Collection ${JSON.stringify(name)} is embedded with ${found.model}, which is not configured.`,
      );
    return { id: found.id, name };
  }

  private async find(name: string): Promise<{ id: number; model: string } | undefined> {
    const [row] = await this.database.query<{ id: number; model: string }>(
      `SELECT c.id, s.model
       FROM collections c JOIN embedding_spaces s ON s.collection_id = c.id AND s.active WHERE c.name = $1`,
      [name],
    );
    return row;
  }

  /** One statement, so that a collection is never without its vector space. @returns false when there was one */
  private async insert({ name, description, language }: CreateCollectionDto): Promise<boolean> {
    const made = await this.database.query(
      `WITH made AS (
         INSERT INTO collections (name, description, language) VALUES ($1, $2, $4)
         ON CONFLICT (name) DO NOTHING RETURNING id
       )
       INSERT INTO embedding_spaces (collection_id, model, active) SELECT id, $3, true FROM made RETURNING id`,
      [name, description ?? null, this.models.default.id, language ?? null],
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
    language: row.language,
    documents: row.documents,
    chunks: Number(row.chunks),
    embedding_model: row.model,
    dimensions: row.dimensions,
    reembedding: toReembedding(row),
    created_at: row.created_at.toISOString(),
  };
}

function toReembedding(row: CollectionRow): ReembeddingDto | null {
  // how far it is would tell of documents that the caller does not see
  if (row.next_model === null || !row.is_whole) return null;
  const chunks = Number(row.chunks);
  // chunks that are no longer searched may be counted until they are deleted
  const done = Math.min(Number(row.chunks_done), chunks);
  return {
    model: row.next_model,
    state: row.next_state,
    progress: chunks === 0 ? 1 : done / chunks,
    chunks,
    chunks_done: done,
    error: row.next_error,
  };
}
