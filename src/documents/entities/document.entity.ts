import { Check, Column, Entity, Index, JoinColumn, ManyToOne, PrimaryGeneratedColumn } from 'typeorm';
import { CollectionEntity } from './collection.entity.js';

export const DOCUMENT_STATUSES = ['queued', 'processing', 'ready', 'failed'] as const;
export type DocumentStatus = (typeof DOCUMENT_STATUSES)[number];

/** A document: its last ready version, and where its newest one is on its way. */
@Entity('documents')
@Check('documents_status_check', "status IN ('queued', 'processing', 'ready', 'failed')")
@Index('documents_seq_key', ['seq'], { unique: true })
@Index('documents_collection_seq_idx', ['collectionId', 'seq'])
@Index('documents_content_hash_idx', ['collectionId', 'contentHash'])
@Index('documents_external_id_key', { synchronize: false })
@Index('documents_content_key', { synchronize: false })
@Index('documents_unfinished_idx', { synchronize: false })
@Index('documents_hidden_chunks_idx', { synchronize: false })
@Index('documents_labels_idx', { synchronize: false })
@Index('documents_turn_idx', { synchronize: false })
@Index('documents_metadata_idx', { synchronize: false })
export class DocumentEntity {
  @PrimaryGeneratedColumn('uuid')
  id!: string;

  /** Order of arrival; what list cursors point at. */
  @Column({ type: 'bigint', generated: 'identity', generatedIdentity: 'ALWAYS' })
  seq!: string;

  @Column({ type: 'integer', name: 'collection_id' })
  collectionId!: number;

  @ManyToOne(() => CollectionEntity, { onDelete: 'CASCADE', nullable: false })
  @JoinColumn({ name: 'collection_id', foreignKeyConstraintName: 'documents_collection_id_fkey' })
  collection!: CollectionEntity;

  @Column({ type: 'text', name: 'external_id', nullable: true })
  externalId!: string | null;

  @Column({ type: 'text' })
  title!: string;

  @Column({ type: 'text', nullable: true })
  url!: string | null;

  @Column({ type: 'jsonb', default: {} })
  metadata!: Record<string, unknown>;

  /** Normalised text, which all offsets index. Large, so it is only read when asked for. */
  @Column({ type: 'text', default: '', select: false })
  content!: string;

  /** SHA-256 of what was sent last. */
  @Column({ type: 'bytea', name: 'content_hash' })
  contentHash!: Buffer;

  /** Counts what was sent; the job of an older revision gives up. */
  @Column({ type: 'integer', default: 1 })
  revision!: number;

  /** The revision whose chunks are searched. */
  @Column({ type: 'integer', name: 'live_revision', default: 0 })
  liveRevision!: number;

  /** There may be chunks of another revision, which is being written or deleted. */
  @Column({ type: 'boolean', name: 'has_hidden_chunks', default: false })
  hasHiddenChunks!: boolean;

  /** The number of the newest claim to work on it; an older one can write no more. */
  @Column({ type: 'integer', default: 0 })
  claim!: number;

  /** Its place in the queue, which collections share fairly. */
  @Column({ type: 'integer', default: 0 })
  turn!: number;

  /** Labels of which a caller needs one to see it; null: everybody may. */
  @Column({ type: 'text', array: true, nullable: true })
  allowed!: string[] | null;

  @Column({ type: 'text', default: 'queued' })
  status!: DocumentStatus;

  /** 0..1 */
  @Column({ type: 'real', default: 0 })
  progress!: number;

  @Column({ type: 'integer', name: 'chunk_count', default: 0 })
  chunkCount!: number;

  @Column({ type: 'text', nullable: true })
  error!: string | null;

  @Column({ type: 'timestamptz', name: 'created_at', default: () => 'now()' })
  createdAt!: Date;

  @Column({ type: 'timestamptz', name: 'updated_at', default: () => 'now()' })
  updatedAt!: Date;
}
