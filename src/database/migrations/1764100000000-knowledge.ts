import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Large documents in short transactions, visibility labels, fairness between collections, and changing the model. */
export class Knowledge1764100000000 implements MigrationInterface {
  readonly name = 'Knowledge1764100000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of DOWN) await runner.query(statement);
  }
}

const UP = [
  // building indexes over a large database takes long
  'SET LOCAL statement_timeout = 0',
  `ALTER TABLE documents
     -- the revision whose chunks are searched; chunks of others are being written or deleted
     ADD live_revision integer NOT NULL DEFAULT 0,
     -- there may be chunks of another revision; searches of the collection then look at each one's
     ADD has_hidden_chunks boolean NOT NULL DEFAULT false,
     -- who works on it: every claim takes the next number, and an older one can write no more
     ADD claim integer NOT NULL DEFAULT 0,
     -- labels of which a caller needs one to see it; null: everybody may
     ADD allowed text[]`,
  'ALTER TABLE document_sources ADD allowed text[]',
  "CREATE INDEX documents_unfinished_idx ON documents (collection_id) WHERE status IN ('queued', 'processing')",
  'CREATE INDEX documents_hidden_chunks_idx ON documents (collection_id) WHERE has_hidden_chunks',
  'CREATE INDEX documents_metadata_idx ON documents USING gin (metadata jsonb_path_ops)',
  'ALTER TABLE chunks ADD revision integer NOT NULL DEFAULT 0',
  'ALTER TABLE chunks DROP CONSTRAINT chunks_document_ordinal_key',
  'ALTER TABLE chunks ADD CONSTRAINT chunks_document_revision_ordinal_key UNIQUE (document_id, revision, ordinal)',
  // start-time fair queueing (Goyal et al. 1996): each document's job has the number of its turn
  `CREATE TABLE ingestion_turns (
     collection_id integer PRIMARY KEY REFERENCES collections ON DELETE CASCADE,
     last_turn integer NOT NULL
   )`,
  'ALTER TABLE documents ADD turn integer NOT NULL DEFAULT 0',
  "CREATE INDEX documents_turn_idx ON documents (turn) WHERE status IN ('queued', 'processing')",
  // beside the active space: one that is being built, and old ones whose vectors are being deleted
  `ALTER TABLE embedding_spaces
     ADD state text NOT NULL DEFAULT 'complete'
       CONSTRAINT embedding_spaces_state_check CHECK (state IN ('complete', 'building', 'stopped', 'failed', 'retired')),
     ADD error text,
     -- who builds it: every claim takes the next number, and an older one can write no more
     ADD claim integer NOT NULL DEFAULT 0,
     ADD retired_at timestamptz`,
  "CREATE UNIQUE INDEX embedding_spaces_building_key ON embedding_spaces (collection_id) WHERE state IN ('building', 'stopped', 'failed')",
  // a collection's chunks by their id, which is how they are gone through
  'DROP INDEX chunks_collection_id_idx',
  'CREATE INDEX chunks_collection_id_idx ON chunks (collection_id, id)',
];

const DOWN = [
  `DO $labels$
   BEGIN
     IF EXISTS (SELECT FROM documents WHERE allowed IS NOT NULL) THEN
       RAISE EXCEPTION 'documents with labels would become visible to everybody: delete them first';
     END IF;
   END $labels$`,
  'DROP INDEX chunks_collection_id_idx',
  'CREATE INDEX chunks_collection_id_idx ON chunks (collection_id)',
  'DROP INDEX embedding_spaces_building_key',
  'DELETE FROM embedding_spaces WHERE NOT active',
  'ALTER TABLE embedding_spaces DROP state, DROP error, DROP claim, DROP retired_at',
  'DROP TABLE ingestion_turns',
  'DELETE FROM chunks USING documents WHERE documents.id = document_id AND chunks.revision <> live_revision',
  'ALTER TABLE chunks DROP CONSTRAINT chunks_document_revision_ordinal_key',
  'ALTER TABLE chunks DROP revision',
  'ALTER TABLE chunks ADD CONSTRAINT chunks_document_ordinal_key UNIQUE (document_id, ordinal)',
  'ALTER TABLE document_sources DROP allowed',
  'DROP INDEX documents_metadata_idx, documents_unfinished_idx',
  `ALTER TABLE documents DROP live_revision, DROP has_hidden_chunks, DROP claim, DROP allowed, DROP turn`,
];
