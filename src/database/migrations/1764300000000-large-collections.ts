import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Searches of large collections: the best postings of a frequent word, and graphs in which more of the nearest are found. */
export class LargeCollections1764300000000 implements MigrationInterface {
  readonly name = 'LargeCollections1764300000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of DOWN) await runner.query(statement);
  }
}

const UP = [
  // building an index over a large database takes long
  'SET LOCAL statement_timeout = 0',
  // What a posting adds to a score, but for the word's weight and the collection's average length, which passages hardly
  // differ in. A frequent word occurs several times in the passages that it says most about.
  `CREATE INDEX postings_impact_idx ON postings (collection_id, lexeme, (tf / (tf + 0.3 + 0.006 * length)) DESC)
     INCLUDE (chunk_id, tf, length) WHERE tf > 1`,
  // with twice the default's edges, and three times its care: texts come in clusters, which thin graphs lose
  vectorIndexes('WITH (m = 32, ef_construction = 200)'),
];

const DOWN = ['DROP INDEX postings_impact_idx', vectorIndexes('')];

/** Builds the indexes of the vectors anew; there are none on PGlite. */
function vectorIndexes(options: string): string {
  return `DO $indexes$
   BEGIN
     IF version() NOT LIKE '%PGlite%' THEN
       ${[256, 384, 512, 768, 1024, 1536, 2048, 3072, 4000]
         .map(
           (size) => `DROP INDEX chunk_embeddings_${size}_idx;
         CREATE INDEX chunk_embeddings_${size}_idx ON chunk_embeddings
           USING hnsw ((embedding::halfvec(${size})) halfvec_cosine_ops) ${options} WHERE dimensions = ${size};`,
         )
         .join('\n')}
     END IF;
   END $indexes$`;
}
