// Real: the statements of a search, and the plans that a PostgreSQL server makes for them.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Database } from '../src/database/index.js';
import { toVectorParameter } from '../src/embeddings/index.js';
import type { SearchScope } from '../src/retrieval/candidate.js';
import { DenseIndex } from '../src/retrieval/dense-index.js';
import { compileFilter } from '../src/retrieval/filter.js';
import { PostingsKeywordIndex } from '../src/retrieval/postings-keyword-index.js';
import { onServer, startApp, type TestApp } from './support/app.js';

/** So many that a word which all passages have is a frequent one. */
const DOCUMENTS = 640;
const CHUNKS = 8 * DOCUMENTS;
const DIMENSIONS = 256;

interface Plan {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  Plans?: Plan[];
}

describe.skipIf(!onServer)('a search of many passages', () => {
  let app: TestApp;
  let scope: SearchScope;
  beforeAll(async () => {
    app = await startApp();
    const [space] = await app.sql<{ collectionId: number; spaceId: number }>(
      `WITH collection AS (INSERT INTO collections (name, language) VALUES ('many', 'english') RETURNING id)
       INSERT INTO embedding_spaces (collection_id, model, dimensions, active)
       SELECT id, 'openai/x', ${DIMENSIONS}, true FROM collection
       RETURNING collection_id AS "collectionId", id AS "spaceId"`,
    );
    await app.sql(
      `INSERT INTO documents (id, collection_id, external_id, content_hash, title, metadata, status, revision,
                              live_revision, chunk_count)
       SELECT gen_random_uuid(), $1, i, decode(md5(i::text), 'hex'), 'Title ' || i, jsonb_build_object('n', i), 'ready',
              1, 1, ${CHUNKS / DOCUMENTS}
       FROM generate_series(1, ${DOCUMENTS}) i`,
      [space!.collectionId],
    );
    await app.sql(
      `INSERT INTO chunks (document_id, revision, collection_id, ordinal, start_offset, end_offset, heading_path, context,
                           text)
       SELECT d.id, 1, $1, i, 100 * i, 100 * i + 99, '{}', d.title,
              'Everywhere. ' ||
                (SELECT string_agg('word' || ((d.seq * 31 + i * 17 + j * j) % 997), ' ') FROM generate_series(1, 60) j)
       FROM documents d, generate_series(0, ${CHUNKS / DOCUMENTS - 1}) i`,
      [space!.collectionId],
    );
    await app.sql(
      `INSERT INTO chunk_embeddings (space_id, chunk_id, dimensions, embedding)
       SELECT $1, c.id, ${DIMENSIONS},
              (SELECT array_agg(sin(c.id * j)::real) FROM generate_series(1, ${DIMENSIONS}) j)::halfvec FROM chunks c`,
      [space!.spaceId],
    );
    await app.sql('ANALYZE');
    const vector = Float32Array.from({ length: DIMENSIONS }, (_, index) => Math.sin(index));
    scope = {
      ...space!,
      language: 'english',
      query: 'word7 and word11 and word500',
      vector,
      vectorParameter: toVectorParameter([vector]),
      chunkCount: CHUNKS,
      allChunks: CHUNKS,
      isIndexed: true,
      labels: undefined,
      filter: undefined,
      hasHiddenChunks: false,
    };
  }, 120_000);
  afterAll(() => app.stop());

  /** The nodes of the plans of the last statement that a search runs. */
  async function nodes(run: (database: Database) => Promise<unknown>): Promise<Plan[]> {
    let last: [string, unknown[]] = ['', []];
    const recorder = {
      query: (text: string, values: unknown[]) => {
        last = [text, values];
        return app.sql(text, values);
      },
    };
    await run(recorder as unknown as Database);
    const [row] = await app.sql<{ 'QUERY PLAN': { Plan: Plan }[] }>(
      `EXPLAIN (FORMAT JSON) ${last[0]}`,
      last[1],
    );
    const walk = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(walk)];
    return row!['QUERY PLAN'].flatMap(({ Plan }) => walk(Plan));
  }

  const scanned = (plans: readonly Plan[]): (string | undefined)[] =>
    plans.filter((plan) => plan['Node Type'] === 'Seq Scan').map((plan) => plan['Relation Name']);
  const indexes = (plans: readonly Plan[]): (string | undefined)[] =>
    plans.map((plan) => plan['Index Name']).filter((name) => name !== undefined);

  it('by vectors: goes through the index of their size', async () => {
    const plans = await nodes((database) => new DenseIndex(database).search(scope, 100));
    expect(indexes(plans)).toContain(`chunk_embeddings_${DIMENSIONS}_idx`);
    expect(scanned(plans)).toEqual([]);
  });

  it('by vectors, while documents are written: goes through the index, and looks at what it finds', async () => {
    const plans = await nodes((database) =>
      new DenseIndex(database).search({ ...scope, hasHiddenChunks: true }, 100),
    );
    expect(indexes(plans)).toEqual(
      expect.arrayContaining([`chunk_embeddings_${DIMENSIONS}_idx`, 'chunks_pkey', 'documents_pkey']),
    );
    expect(scanned(plans)).toEqual([]);
  });

  it('by vectors among few: compares those only', async () => {
    const filter = compileFilter({ n: { lte: 4 } });
    const plans = await nodes((database) => new DenseIndex(database).search({ ...scope, filter }, 100));
    expect(scanned(plans)).not.toContain('chunks');
    expect(scanned(plans)).not.toContain('chunk_embeddings');
  });

  it('by keywords: reads the postings of its words only', async () => {
    const plans = await nodes((database) => new PostingsKeywordIndex(database).search(scope, 100));
    expect(indexes(plans)).toEqual(expect.arrayContaining(['postings_pkey', 'postings_impact_idx']));
    expect(scanned(plans)).not.toContain('postings');
    expect(scanned(plans)).not.toContain('chunks');
    expect(scanned(plans)).not.toContain('chunk_embeddings');
  });

  it('by a word that all passages have once: finds as many as it is to', async () => {
    const found = await new PostingsKeywordIndex(app.app.get(Database)).search(
      { ...scope, query: 'everywhere' },
      100,
    );
    expect(found).toHaveLength(100);
  });

  it('by a word that all passages have, for somebody who may see few: finds all of those', async () => {
    const filter = compileFilter({ n: { lte: 3 } });
    const found = await new PostingsKeywordIndex(app.app.get(Database)).search(
      { ...scope, query: 'everywhere', filter },
      100,
    );
    expect(found).toHaveLength((3 * CHUNKS) / DOCUMENTS);
  });
});
