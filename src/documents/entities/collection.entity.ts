import { Column, Entity, PrimaryGeneratedColumn, Unique } from 'typeorm';

/** A named set of documents, embedded with one model. */
@Entity('collections')
@Unique('collections_name_key', ['name'])
export class CollectionEntity {
  @PrimaryGeneratedColumn('identity', { type: 'integer', generatedIdentity: 'ALWAYS' })
  id!: number;

  @Column({ type: 'text' })
  name!: string;

  @Column({ type: 'text', nullable: true })
  description!: string | null;

  /** The text search configuration that stems its words; null before its first chunk, and never changed after. */
  @Column({ type: 'text', nullable: true })
  language!: string | null;

  /** Kept by triggers on chunks. */
  @Column({ type: 'bigint', name: 'chunk_count', default: 0 })
  chunkCount!: string;

  /** Length of all chunks in lexemes, kept by triggers for what the postings engine searches. */
  @Column({ type: 'bigint', name: 'lexeme_count', default: 0 })
  lexemeCount!: string;

  @Column({ type: 'timestamptz', name: 'created_at', default: () => 'now()' })
  createdAt!: Date;
}
