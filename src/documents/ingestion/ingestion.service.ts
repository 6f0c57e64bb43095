import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { AppError } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { Database } from '../../database/index.js';
import { type Chunk, chunkText } from '../chunking/chunker.js';
import { findLoader, type LoadedDocument, UnreadableDocumentError } from '../loaders/index.js';
import { ChunkWriter, type IndexedChunk } from './chunk-writer.js';
import { type IngestionJob, JobQueue } from './job-queue.js';
import { IngestionProgress } from './ingestion-progress.js';
import { PassageEmbedder } from './passage-embedder.js';

interface SourceRow {
  collection_id: number;
  space_id: number;
  model: string;
  current_title: string;
  title: string | null;
  url: string | null;
  metadata: Record<string, unknown>;
  media_type: string;
  file_name: string | null;
  bytes: Buffer;
}

/** Passages embedded in one call, after which progress is reported. */
const EMBEDDING_BATCH = 128;
/** A title longer than this adds more noise to each passage than it tells. */
const LONGEST_CONTEXT = 300;

/** Turns what was sent into what is searched: load, chunk, embed, index. */
@Injectable()
export class IngestionService implements OnApplicationBootstrap {
  private readonly logger = new Logger('Ingestion');

  constructor(
    private readonly config: AppConfig,
    private readonly database: Database,
    private readonly embedder: PassageEmbedder,
    private readonly writer: ChunkWriter,
    private readonly queue: JobQueue,
    private readonly progress: IngestionProgress,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.queue.start((job, attempt) => this.handle(job, attempt));
    // on a server, other replicas may be working on them, and dead ones' jobs come back by their missing heartbeat;
    // the embedded database has no other process, so whatever is unfinished was interrupted
    if (this.config.database.url === undefined) await this.resume();
  }

  private async resume(): Promise<void> {
    const unfinished = await this.database.query<IngestionJob>(
      `SELECT id AS "documentId", revision FROM documents WHERE status IN ('queued', 'processing') ORDER BY seq`,
    );
    // a second job for a document finds nothing left to do
    for (const job of unfinished) await this.queue.add(job, this.database);
    if (unfinished.length > 0) this.logger.log(`Resuming ${unfinished.length} unfinished documents`);
    this.queue.wake();
  }

  private async handle(
    job: IngestionJob,
    { isLast, signal }: { isLast: boolean; signal: AbortSignal },
  ): Promise<void> {
    try {
      await this.ingest(job, signal);
      this.progress.finished(job.documentId);
    } catch (error) {
      const isFinal = isLast || error instanceof UnreadableDocumentError;
      const message =
        error instanceof UnreadableDocumentError || error instanceof AppError
          ? error.message
          : 'It could not be processed; the service log says why.';
      if (!(error instanceof UnreadableDocumentError))
        this.logger.error({ err: error, document_id: job.documentId }, 'Ingestion failed');
      await this.database.query(
        `UPDATE documents SET status = $3, error = $4, updated_at = now() WHERE id = $1 AND revision = $2`,
        [job.documentId, job.revision, isFinal ? 'failed' : 'queued', message],
      );
      if (!isFinal) throw error;
      this.progress.finished(job.documentId);
    }
  }

  private async ingest(job: IngestionJob, signal: AbortSignal): Promise<void> {
    const source = await this.claim(job);
    // finished before, replaced by a newer revision, or deleted
    if (source === undefined) return;
    if (source.model !== this.embedder.modelId)
      throw new UnreadableDocumentError(
        `Its collection is embedded with ${source.model}, but EMBEDDING_MODEL is ${this.embedder.modelId}.`,
      );
    const loaded = await load(source);
    const title = source.title ?? loaded.title ?? source.file_name ?? source.current_title;
    const chunks = chunkText(loaded.text);
    if (chunks.length === 0) throw new UnreadableDocumentError('There is no text in it.');
    await this.writer.replace({
      documentId: job.documentId,
      revision: job.revision,
      collectionId: source.collection_id,
      spaceId: source.space_id,
      title,
      url: source.url,
      metadata: { ...loaded.metadata, ...source.metadata },
      content: loaded.text,
      chunks: await this.embed(job, title, chunks, loaded, signal),
    });
  }

  /** Marks the document as being processed and reads what was sent; nothing when there is nothing left to do. */
  private async claim({ documentId, revision }: IngestionJob): Promise<SourceRow | undefined> {
    const [source] = await this.database.query<SourceRow>(
      `WITH claimed AS (
         UPDATE documents SET status = 'processing', progress = 0, updated_at = now()
         WHERE id = $1 AND revision = $2 AND status IN ('queued', 'processing')
         RETURNING id, collection_id, title AS current_title
       )
       SELECT claimed.collection_id, claimed.current_title, space.id AS space_id, space.model, source.title, source.url,
              source.metadata, source.media_type, source.file_name, source.bytes
       FROM claimed JOIN document_sources source ON source.document_id = claimed.id AND source.revision = $2
       JOIN embedding_spaces space ON space.collection_id = claimed.collection_id AND space.active`,
      [documentId, revision],
    );
    return source;
  }

  private async embed(
    job: IngestionJob,
    title: string,
    chunks: readonly Chunk[],
    loaded: LoadedDocument,
    signal: AbortSignal,
  ): Promise<IndexedChunk[]> {
    const indexed: IndexedChunk[] = [];
    for (let start = 0; start < chunks.length; start += EMBEDDING_BATCH) {
      const batch = chunks.slice(start, start + EMBEDDING_BATCH).map((chunk) => ({
        ...chunk,
        context: [title, ...chunk.headingPath].join('\n').slice(0, LONGEST_CONTEXT).toWellFormed(),
        page: loaded.pages?.find((page) => chunk.start < page.end)?.page ?? null,
      }));
      const vectors = await this.embedder.embed(
        job.documentId,
        batch.map(({ context, text }) => `${context}\n${text}`),
        signal,
      );
      indexed.push(
        ...batch.map((chunk, index) => ({ ...chunk, vector: vectors[index] ?? new Float32Array() })),
      );
      if (indexed.length < chunks.length)
        await this.database.query('UPDATE documents SET progress = $3 WHERE id = $1 AND revision = $2', [
          job.documentId,
          job.revision,
          indexed.length / (chunks.length + 1),
        ]);
    }
    return indexed;
  }
}

function load(source: SourceRow): Promise<LoadedDocument> {
  const input = {
    bytes: source.bytes,
    mediaType: source.media_type,
    ...(source.file_name === null ? {} : { fileName: source.file_name }),
  };
  const loader = findLoader(input);
  if (loader === undefined) throw new UnreadableDocumentError('Its format is not supported.');
  return loader.load(input);
}
