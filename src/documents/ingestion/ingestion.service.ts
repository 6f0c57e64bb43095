import { Injectable, Logger } from '@nestjs/common';
import { AppError, ModelError } from '../../common/index.js';
import { detectLanguage } from '../language/detect-language.js';
import { UnreadableDocumentError } from '../loaders/index.js';
import { DocumentParser, ParserGoneError } from '../parsing/document-parser.js';
import type { ParsedDocument } from '../parsing/parse-document.js';
import { storable } from '../storable.js';
import { type Chunk, ChunkWriter, type EmbeddedChunk, SpaceSwitchedError } from './chunk-writer.js';
import { type Claim, Claims, type Source, SupersededError } from './claim.js';
import { IngestionProgress } from './ingestion-progress.js';
import type { IngestionJob, JobAttempt } from './job-queue.js';
import { PassageEmbedder } from './passage-embedder.js';

/** Passages embedded and written together, after which progress is reported. */
const BATCH = 128;
/** A title longer than this adds more noise to each passage than it tells. */
const LONGEST_CONTEXT = 300;
/** A document during which the parser process was ended from outside this often is to blame for it. */
const MOST_LOST_PARSERS = 3;

/** Turns what was sent into what is searched: parse, embed, index. */
@Injectable()
export class IngestionService {
  private readonly logger = new Logger('Ingestion');
  /** How often a document's parser was ended from outside. */
  private readonly lostParsers = new Map<string, number>();

  constructor(
    private readonly claims: Claims,
    private readonly parser: DocumentParser,
    private readonly embedder: PassageEmbedder,
    private readonly writer: ChunkWriter,
    private readonly progress: IngestionProgress,
  ) {}

  /** Works on one document. Throws when it is to be tried again. */
  async handle(job: IngestionJob, attempt: JobAttempt): Promise<void> {
    const taken = await this.claims.take(job);
    // finished before, replaced by a newer revision, or deleted
    if (taken === undefined) return;
    this.progress.changed(job.documentId);
    try {
      await this.ingest(taken.claim, taken.source, attempt.signal);
    } catch (error) {
      if (error instanceof SupersededError) return;
      // with the vector space that the collection has now
      if (error instanceof SpaceSwitchedError) return await this.handle(job, attempt);
      const isFinal = attempt.isLast || this.isHopeless(error, job.documentId);
      if (!(error instanceof UnreadableDocumentError))
        this.logger.error({ err: error, document_id: job.documentId }, 'Ingestion failed');
      await this.claims.fail(taken.claim, messageOf(error), isFinal);
      if (!isFinal) throw error;
    } finally {
      this.progress.changed(job.documentId);
    }
    this.lostParsers.delete(job.documentId);
    await this.writer.sweep(job.documentId);
  }

  /** True when another try cannot end any better. What an operator can mend is tried for as long as the queue does. */
  private isHopeless(error: unknown, documentId: string): boolean {
    if (error instanceof ModelError) return error.kind === 'invalid_request';
    if (!(error instanceof ParserGoneError)) return error instanceof UnreadableDocumentError;
    const lost = (this.lostParsers.get(documentId) ?? 0) + 1;
    this.lostParsers.set(documentId, lost);
    return lost >= MOST_LOST_PARSERS;
  }

  private async ingest(claim: Claim, source: Source, signal: AbortSignal): Promise<void> {
    const parsed = await this.parser.parse(
      {
        bytes: source.bytes,
        mediaType: source.mediaType,
        ...(source.fileName === null ? {} : { fileName: source.fileName }),
      },
      signal,
    );
    const title = source.title ?? parsed.title ?? source.fileName ?? source.currentTitle;
    const chunks = toChunks(title, parsed);
    let written = source.isBegun ? await this.writer.leftFrom(claim, chunks) : 0;
    for (;;) {
      const batch = chunks.slice(written, written + BATCH);
      const embedded = await this.embed(claim, batch, source.keyId, signal);
      if (claim.needsLanguage && written === 0)
        await this.writer.decideLanguage(claim, await detectLanguage(parsed.text));
      written += batch.length;
      if (written < chunks.length) {
        await this.writer.add(claim, embedded, written / (chunks.length + 1));
        this.progress.changed(claim.documentId);
        continue;
      }
      const { url, metadata, allowed } = source;
      const document = {
        title,
        url,
        metadata: { ...storable(parsed.metadata), ...metadata },
        allowed,
        content: parsed.text,
        chunkCount: chunks.length,
      };
      return this.writer.publish(claim, document, embedded);
    }
  }

  private async embed(
    claim: Claim,
    chunks: readonly Chunk[],
    payerId: string | null,
    signal: AbortSignal,
  ): Promise<EmbeddedChunk[]> {
    if (chunks.length === 0) return [];
    const texts = chunks.map(({ context, text }) => `${context}\n${text}`);
    const vectors = await this.embedder.embed(claim.documentId, claim.model, texts, payerId, signal);
    return chunks.map((chunk, index) => ({ ...chunk, vector: vectors[index] ?? new Float32Array() }));
  }
}

function toChunks(title: string, { text, passages }: ParsedDocument): Chunk[] {
  return passages.map((passage) => ({
    ...passage,
    text: text.slice(passage.start, passage.end),
    context: [title, ...passage.headingPath].join('\n').slice(0, LONGEST_CONTEXT).toWellFormed(),
  }));
}

function messageOf(error: unknown): string {
  if (error instanceof UnreadableDocumentError || error instanceof AppError) return error.message;
  if (error instanceof ParserGoneError) return 'Reading it was interrupted.';
  if (error instanceof ModelError) return `The embedding provider could not be used (${error.kind}).`;
  return 'It could not be processed; the service log says why.';
}
