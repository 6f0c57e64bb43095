import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Collections, documents, chunks, vectors, the two keyword engines and the ledger. */
export class Foundation1763800000000 implements MigrationInterface {
  readonly name = 'Foundation1763800000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE EXTENSION IF NOT EXISTS vector');
    for (const statement of [...DOCUMENTS, ...VECTORS, ...POSTINGS, KEYWORD_ENGINE, ...LEDGER])
      await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      'DROP TABLE llm_calls, postings, chunk_embeddings, chunks, document_sources, documents',
    );
    await runner.query('DROP TABLE embedding_spaces, collections');
    await runner.query(
      'DROP FUNCTION index_added_chunks, index_removed_chunks, count_added_chunks, count_removed_chunks',
    );
  }
}

const DOCUMENTS = [
  `CREATE TABLE collections (
     id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     name text NOT NULL CONSTRAINT collections_name_key UNIQUE,
     description text,
     -- kept by triggers on chunks; the keyword engine's collection statistics
     chunk_count bigint NOT NULL DEFAULT 0,
     lexeme_count bigint NOT NULL DEFAULT 0,
     created_at timestamptz NOT NULL DEFAULT now()
   )`,
  // a vector space: what a collection is embedded with. One is active; another may be built beside it.
  `CREATE TABLE embedding_spaces (
     id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     collection_id integer NOT NULL REFERENCES collections ON DELETE CASCADE,
     model text NOT NULL,
     dimensions smallint,
     active boolean NOT NULL
   )`,
  'CREATE UNIQUE INDEX embedding_spaces_active_key ON embedding_spaces (collection_id) WHERE active',
  `CREATE TABLE documents (
     id uuid NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY,
     -- order of arrival; what list cursors point at
     seq bigint GENERATED ALWAYS AS IDENTITY,
     collection_id integer NOT NULL REFERENCES collections ON DELETE CASCADE,
     external_id text,
     title text NOT NULL,
     url text,
     metadata jsonb NOT NULL DEFAULT '{}',
     -- the normalised text that every offset indexes; empty until the first version is ready
     content text NOT NULL DEFAULT '',
     -- SHA-256 of what was sent last
     content_hash bytea NOT NULL,
     -- counts what was sent; the job of an older revision gives up
     revision integer NOT NULL DEFAULT 1,
     status text NOT NULL DEFAULT 'queued'
       CONSTRAINT documents_status_check CHECK (status IN ('queued', 'processing', 'ready', 'failed')),
     progress real NOT NULL DEFAULT 0,
     chunk_count integer NOT NULL DEFAULT 0,
     error text,
     created_at timestamptz NOT NULL DEFAULT now(),
     updated_at timestamptz NOT NULL DEFAULT now()
   )`,
  'CREATE UNIQUE INDEX documents_external_id_key ON documents (collection_id, external_id) WHERE external_id IS NOT NULL',
  'CREATE UNIQUE INDEX documents_content_key ON documents (collection_id, content_hash) WHERE external_id IS NULL',
  'CREATE INDEX documents_content_hash_idx ON documents (collection_id, content_hash)',
  'CREATE UNIQUE INDEX documents_seq_key ON documents (seq)',
  'CREATE INDEX documents_collection_seq_idx ON documents (collection_id, seq)',
  // what was sent and is not processed yet: survives a crash, and goes when its revision is ready
  `CREATE TABLE document_sources (
     document_id uuid PRIMARY KEY REFERENCES documents ON DELETE CASCADE,
     revision integer NOT NULL,
     title text,
     url text,
     metadata jsonb NOT NULL,
     media_type text NOT NULL,
     file_name text,
     bytes bytea NOT NULL
   )`,
  'ALTER TABLE document_sources ALTER COLUMN bytes SET STORAGE EXTERNAL',
  `CREATE TABLE chunks (
     id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     document_id uuid NOT NULL REFERENCES documents ON DELETE CASCADE,
     collection_id integer NOT NULL,
     ordinal integer NOT NULL,
     -- UTF-16 code units of documents.content, as JavaScript's slice takes them
     start_offset integer NOT NULL,
     end_offset integer NOT NULL,
     page integer,
     heading_path text[] NOT NULL,
     -- title and headings: searched with the text, but not part of it
     context text NOT NULL,
     text text NOT NULL,
     CONSTRAINT chunks_document_ordinal_key UNIQUE (document_id, ordinal)
   )`,
  'CREATE INDEX chunks_collection_id_idx ON chunks (collection_id)',
];

/**
 * Index sizes. A vector of another size is stored padded with zeros to the next one, which leaves cosines as they are;
 * so every model is indexed and the schema never changes at run time. Half floats: half the memory, up to 4,000
 * dimensions within a page, and no ranking is sensitive to the difference.
 */
const INDEXED_DIMENSIONS = [256, 384, 512, 768, 1024, 1536, 2048, 3072, 4000];

const VECTORS = [
  `CREATE TABLE chunk_embeddings (
     space_id integer NOT NULL REFERENCES embedding_spaces ON DELETE CASCADE,
     chunk_id bigint NOT NULL REFERENCES chunks ON DELETE CASCADE,
     dimensions smallint NOT NULL,
     embedding halfvec NOT NULL,
     PRIMARY KEY (space_id, chunk_id)
   )`,
  // in the row and not compressed: comparing a vector then costs no look into the overflow table and no unpacking
  'ALTER TABLE chunk_embeddings ALTER COLUMN embedding SET STORAGE PLAIN',
  'CREATE INDEX chunk_embeddings_chunk_id_idx ON chunk_embeddings (chunk_id)',
  // Not on PGlite: inserting into an HNSW index takes it 60 to 200 ms a vector, comparing with all of them 6 to 12 µs, so
  // that below some ten thousand passages an exact scan serves better; the same statements do it without the index.
  `DO $indexes$
   BEGIN
     IF version() NOT LIKE '%PGlite%' THEN
       ${INDEXED_DIMENSIONS.map(
         (size) => `CREATE INDEX chunk_embeddings_${size}_idx ON chunk_embeddings
           USING hnsw ((embedding::halfvec(${size})) halfvec_cosine_ops) WHERE dimensions = ${size};`,
       ).join('\n')}
     END IF;
   END $indexes$`,
];

const POSTINGS = [
  // the inverted index of servers without pg_textsearch
  `CREATE TABLE postings (
     collection_id integer NOT NULL REFERENCES collections ON DELETE CASCADE,
     lexeme text NOT NULL,
     chunk_id bigint NOT NULL,
     -- occurrences in the chunk, and the chunk's length in lexemes
     tf smallint NOT NULL,
     length smallint NOT NULL,
     PRIMARY KEY (collection_id, lexeme, chunk_id) INCLUDE (tf, length)
   )`,
  `CREATE FUNCTION index_added_chunks() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     WITH terms AS (
       SELECT added.collection_id, added.id, term.lexeme, cardinality(term.positions) AS tf
       FROM added, unnest(to_tsvector('english', added.context || ' ' || added.text)) AS term
     ), inserted AS (
       INSERT INTO postings (collection_id, lexeme, chunk_id, tf, length)
       SELECT collection_id, lexeme, id, tf, least(sum(tf) OVER (PARTITION BY id), 32767) FROM terms
       RETURNING collection_id, tf
     ), totals AS (
       SELECT collection_id, sum(tf) AS lexemes FROM inserted GROUP BY collection_id
     )
     UPDATE collections SET lexeme_count = lexeme_count + totals.lexemes FROM totals WHERE id = totals.collection_id;
     RETURN NULL;
   END $$`,
  `CREATE FUNCTION index_removed_chunks() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     WITH terms AS (
       SELECT removed.collection_id, removed.id, term.lexeme
       FROM removed, unnest(to_tsvector('english', removed.context || ' ' || removed.text)) AS term
     ), deleted AS (
       DELETE FROM postings USING terms
       WHERE postings.collection_id = terms.collection_id AND postings.lexeme = terms.lexeme
         AND postings.chunk_id = terms.id
       RETURNING postings.collection_id, postings.tf
     ), totals AS (
       SELECT collection_id, sum(tf) AS lexemes FROM deleted GROUP BY collection_id
     )
     UPDATE collections SET lexeme_count = lexeme_count - totals.lexemes FROM totals WHERE id = totals.collection_id;
     RETURN NULL;
   END $$`,
  `CREATE FUNCTION count_added_chunks() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     UPDATE collections SET chunk_count = chunk_count + totals.chunks
     FROM (SELECT collection_id, count(*) AS chunks FROM added GROUP BY collection_id) totals
     WHERE id = totals.collection_id;
     RETURN NULL;
   END $$`,
  `CREATE FUNCTION count_removed_chunks() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     UPDATE collections SET chunk_count = chunk_count - totals.chunks
     FROM (SELECT collection_id, count(*) AS chunks FROM removed GROUP BY collection_id) totals
     WHERE id = totals.collection_id;
     RETURN NULL;
   END $$`,
  `CREATE TRIGGER count_added_chunks AFTER INSERT ON chunks REFERENCING NEW TABLE AS added
     FOR EACH STATEMENT EXECUTE FUNCTION count_added_chunks()`,
  `CREATE TRIGGER count_removed_chunks AFTER DELETE ON chunks REFERENCING OLD TABLE AS removed
     FOR EACH STATEMENT EXECUTE FUNCTION count_removed_chunks()`,
];

/** pg_textsearch where the server has it and lets us use it; else the postings above, kept by triggers. */
const KEYWORD_ENGINE = `DO $engine$
  DECLARE
    score regprocedure;
  BEGIN
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_textsearch') THEN
      BEGIN
        CREATE EXTENSION IF NOT EXISTS pg_textsearch;
        CREATE INDEX chunks_bm25_idx ON chunks USING bm25 ((context || ' ' || text)) WITH (text_config = 'english');
        -- computing a score outside of the index takes a third of a millisecond, which the planner has to know, or it
        -- sorts a table by it that it takes for small
        SELECT oprcode::regprocedure INTO score FROM pg_operator
          WHERE oprname = '<@>' AND oprleft = 'text'::regtype AND oprright = 'bm25query'::regtype;
        EXECUTE format('ALTER FUNCTION %s COST 100000', score);
        RETURN;
      EXCEPTION WHEN OTHERS THEN
        RAISE NOTICE 'pg_textsearch cannot be used here: %', SQLERRM;
      END;
    END IF;
    CREATE TRIGGER index_added_chunks AFTER INSERT ON chunks REFERENCING NEW TABLE AS added
      FOR EACH STATEMENT EXECUTE FUNCTION index_added_chunks();
    CREATE TRIGGER index_removed_chunks AFTER DELETE ON chunks REFERENCING OLD TABLE AS removed
      FOR EACH STATEMENT EXECUTE FUNCTION index_removed_chunks();
  END $engine$`;

const LEDGER = [
  `CREATE TABLE llm_calls (
     id uuid PRIMARY KEY,
     created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     -- one of these per ask, search or document; a request is counted where is_request is true
     request_id text NOT NULL,
     is_request boolean NOT NULL,
     operation text NOT NULL CHECK (operation IN ('answer', 'query_embedding', 'document_embedding')),
     model text NOT NULL,
     attempt smallint NOT NULL,
     outcome text NOT NULL CHECK (outcome IN ('ok', 'failed', 'aborted')),
     input_tokens integer NOT NULL,
     output_tokens integer NOT NULL,
     cache_read_tokens integer NOT NULL,
     cache_write_tokens integer NOT NULL,
     embedding_tokens integer NOT NULL,
     -- true: counted here, because the provider did not say
     estimated boolean NOT NULL,
     -- null: the model's price is not known
     cost_usd numeric(20, 12),
     latency_ms real NOT NULL,
     first_token_ms real,
     error text
   )`,
  'CREATE INDEX llm_calls_created_at_idx ON llm_calls (created_at)',
];
