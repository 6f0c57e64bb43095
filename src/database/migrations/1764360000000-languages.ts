import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Each collection has a language, in which its words and its questions are stemmed. */
export class Languages1764360000000 implements MigrationInterface {
  readonly name = 'Languages1764360000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of DOWN) await runner.query(statement);
  }
}

/** True where pg_textsearch indexes the chunks. */
const HAS_TEXTSEARCH = "EXISTS (SELECT FROM pg_indexes WHERE indexname = 'chunks_bm25_idx')";

/** Words of chunks, by the name of a transition table; those of the trigger's argument, a language, are left out. */
const terms = (chunks: string): string => `
  SELECT chunk.collection_id, chunk.id, term.lexeme, cardinality(term.positions) AS tf
  FROM ${chunks} chunk JOIN collections c ON c.id = chunk.collection_id AND c.language IS DISTINCT FROM TG_ARGV[0]
  CROSS JOIN LATERAL unnest(to_tsvector(c.language::regconfig, chunk.context || ' ' || chunk.text)) AS term`;

/** What follows on the words of chunks: their postings, written or deleted, and the sums by which a counter changes. */
const INSERTED = `     ), inserted AS (
       INSERT INTO postings (collection_id, lexeme, chunk_id, tf, length)
       SELECT collection_id, lexeme, id, tf, least(sum(tf) OVER (PARTITION BY id), 32767) FROM terms
       RETURNING collection_id, tf
     ), totals AS (
       SELECT collection_id, sum(tf) AS lexemes FROM inserted GROUP BY collection_id
     )
`;
const DELETED = `     ), deleted AS (
       DELETE FROM postings USING terms
       WHERE postings.collection_id = terms.collection_id AND postings.lexeme = terms.lexeme
         AND postings.chunk_id = terms.id
       RETURNING postings.collection_id, postings.tf
     ), totals AS (
       SELECT collection_id, sum(tf) AS lexemes FROM deleted GROUP BY collection_id
     )
`;

const UP = [
  `ALTER TABLE collections
     -- a text search configuration; null before the first chunk, and from then on always the same: what is indexed by it
     -- can only be taken out of the index by it
     ADD language text`,
  `UPDATE collections SET language = 'english' WHERE EXISTS (SELECT FROM chunks WHERE collection_id = collections.id)`,
  // the argument of the triggers: a language whose chunks another engine indexes
  `CREATE OR REPLACE FUNCTION index_added_chunks() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     -- by somebody who knows of no languages, as a replica of an older version is
     UPDATE collections SET language = 'english'
     WHERE language IS NULL AND id IN (SELECT collection_id FROM added);
     WITH terms AS (${terms('added')}
${INSERTED}     UPDATE collections SET lexeme_count = lexeme_count + totals.lexemes FROM totals WHERE id = totals.collection_id;
     RETURN NULL;
   END $$`,
  // a collection that is deleted itself takes its postings with it
  `CREATE OR REPLACE FUNCTION index_removed_chunks() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     WITH terms AS (${terms('removed')}
${DELETED}     UPDATE collections SET lexeme_count = lexeme_count - totals.lexemes FROM totals WHERE id = totals.collection_id;
     RETURN NULL;
   END $$`,
  // pg_textsearch indexes in one language: of collections in another there are postings
  `DO $triggers$
   BEGIN
     IF ${HAS_TEXTSEARCH} THEN
       CREATE TRIGGER index_added_chunks AFTER INSERT ON chunks REFERENCING NEW TABLE AS added
         FOR EACH STATEMENT EXECUTE FUNCTION index_added_chunks('english');
       CREATE TRIGGER index_removed_chunks AFTER DELETE ON chunks REFERENCING OLD TABLE AS removed
         FOR EACH STATEMENT EXECUTE FUNCTION index_removed_chunks('english');
     END IF;
   END $triggers$`,
];

/** As they were: whatever its language, English rules. */
const DOWN = [
  // indexing large collections anew takes long
  'SET LOCAL statement_timeout = 0',
  "DELETE FROM postings USING collections c WHERE c.id = collection_id AND c.language <> 'english'",
  "UPDATE collections SET lexeme_count = 0 WHERE language <> 'english'",
  `DO $engine$
   BEGIN
     IF ${HAS_TEXTSEARCH} THEN
       DROP TRIGGER index_added_chunks ON chunks;
       DROP TRIGGER index_removed_chunks ON chunks;
       RETURN;
     END IF;
     WITH terms AS (
       SELECT chunk.collection_id, chunk.id, term.lexeme, cardinality(term.positions) AS tf
       FROM chunks chunk JOIN collections c ON c.id = chunk.collection_id AND c.language <> 'english'
       CROSS JOIN LATERAL unnest(to_tsvector('english', chunk.context || ' ' || chunk.text)) AS term
${INSERTED}     UPDATE collections SET lexeme_count = totals.lexemes FROM totals WHERE id = totals.collection_id;
   END $engine$`,
  `CREATE OR REPLACE FUNCTION index_added_chunks() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     WITH terms AS (
       SELECT added.collection_id, added.id, term.lexeme, cardinality(term.positions) AS tf
       FROM added, unnest(to_tsvector('english', added.context || ' ' || added.text)) AS term
${INSERTED}     UPDATE collections SET lexeme_count = lexeme_count + totals.lexemes FROM totals WHERE id = totals.collection_id;
     RETURN NULL;
   END $$`,
  `CREATE OR REPLACE FUNCTION index_removed_chunks() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     WITH terms AS (
       SELECT removed.collection_id, removed.id, term.lexeme
       FROM removed, unnest(to_tsvector('english', removed.context || ' ' || removed.text)) AS term
${DELETED}     UPDATE collections SET lexeme_count = lexeme_count - totals.lexemes FROM totals WHERE id = totals.collection_id;
     RETURN NULL;
   END $$`,
  'ALTER TABLE collections DROP language',
];
