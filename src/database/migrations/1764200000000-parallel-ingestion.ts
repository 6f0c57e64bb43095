import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Documents of one collection are written concurrently: its counters are locked at the end only. */
export class ParallelIngestion1764200000000 implements MigrationInterface {
  readonly name = 'ParallelIngestion1764200000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of DOWN) await runner.query(statement);
  }
}

const UP = [
  // vectors are written before their chunks, because that takes longest
  'ALTER TABLE chunk_embeddings ALTER CONSTRAINT chunk_embeddings_chunk_id_fkey DEFERRABLE INITIALLY DEFERRED',
  // triggers of one event run in the order of their names: the one that counts comes after index_added_chunks
  'ALTER TRIGGER count_added_chunks ON chunks RENAME TO tally_added_chunks',
  'ALTER TRIGGER count_removed_chunks ON chunks RENAME TO tally_removed_chunks',
];

const DOWN = [
  'ALTER TRIGGER tally_removed_chunks ON chunks RENAME TO count_removed_chunks',
  'ALTER TRIGGER tally_added_chunks ON chunks RENAME TO count_added_chunks',
  'ALTER TABLE chunk_embeddings ALTER CONSTRAINT chunk_embeddings_chunk_id_fkey NOT DEFERRABLE',
];
