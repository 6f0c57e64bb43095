// Measures how much of the exact result a vector search finds when it may see only some of the passages:
//   npm run bench:filter -- [--help]
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { mapLimit } from '../../src/common/concurrency/map-limit.js';
import type { CollectionDto } from '../../src/documents/dto/collection.dto.js';
import { Corpus } from './corpus.js';
import { fill } from './fill.js';
import { get } from './footnote.js';
import { percentile } from './load.js';
import { readOptions } from './options.js';
import { machine, markdown, note, writeResults } from './results.js';
import { search } from './search-load.js';
import { setStage } from './stage.js';
import { standInEmbedding } from './stand-in-embedding.js';

const HELP = `Usage: npm run bench:filter -- [options]

Compares the ten nearest passages that POST /search finds under filters and visibility labels with those that comparing
every visible passage finds; a stand-in for a provider's model makes the vectors. On a new database on the server of
DATABASE_URL or, where it is not set, on the embedded one.

  --chunks N      passages to search (50000)
  --questions N   of each case (100)
  --dist DIR      the build to measure (default: dist)
  --output FILE   of the results, as JSON (default: in a new temporary folder)
`;
const TOP_K = 10;
const PERCENT = 100;
/** Half of the last digit that a hit's similarity has. */
const ROUNDING = 5e-7;

type Vectors = typeof import('../../src/embeddings/vector-storage.js');

interface Result {
  name: string;
  recall: number;
  leastRecall: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
}

/** Searches see documents whose percentile, 0 to 99, is below `percent`. */
interface Case {
  name: string;
  percent: number;
  restriction: { filter?: unknown; labels?: string[] };
}

const CASES: Case[] = [1, 5, 10, 25, 50].map((percent) => ({
  name: `filter, ${percent} %`,
  percent,
  restriction: { filter: { percentile: { lt: percent } } },
}));
CASES.push(
  { name: 'labels, 1 %', percent: 1, restriction: { labels: ['team-0'] } },
  {
    name: 'labels, 25 %',
    percent: 25,
    restriction: { labels: Array.from({ length: 25 }, (_, i) => `team-${i}`) },
  },
  { name: 'none', percent: PERCENT, restriction: {} },
);

const { dist, output, numbers } = readOptions(HELP, { chunks: '50000', questions: '100' });
const [wantedChunks = 0] = numbers.chunks;
const [questionCount = 0] = numbers.questions;

const { toVectorParameter } = (await import(
  pathToFileURL(join(dist, 'embeddings/vector-storage.js')).href
)) as Vectors;

const corpus = new Corpus();
await using stage = await setStage(dist, 'stand-in');
const { url, pool } = stage;
note(`Ingesting about ${wantedChunks} passages`);
await fill(url, corpus, wantedChunks, {
  more: (number) => ({
    metadata: { percentile: number % PERCENT },
    allowed: [`team-${number % PERCENT}`],
  }),
});
await stage.settle();
const { chunks, documents } = await get<CollectionDto>(`${url}/collections/default`);
const questions = corpus.questions(questionCount);
const results: Result[] = [];
for (const one of CASES) {
  note(`Searching: ${one.name}`);
  results.push(await measure(one));
}
const conditions = {
  chunks,
  documents,
  questions: questionCount,
  database: stage.database,
  ...machine(),
};
await writeResults('filter', output, { conditions, results }, table());

async function measure({ name, percent, restriction }: Case): Promise<Result> {
  const latencies: number[] = [];
  const recalls = await mapLimit(questions, 1, async (question) => {
    const sent = performance.now();
    const hits = await search(url, {
      queries: [question],
      search_mode: 'semantic',
      top_k: TOP_K,
      ...restriction,
    });
    latencies.push(performance.now() - sent);
    const exact = await nearest(question, percent);
    const last = exact.at(-1)?.similarity ?? 1;
    const ids = new Set(exact.map(({ id }) => id));
    // one that is as near as the last of the exact result is as good
    const found = hits.filter(
      ({ document_id, start, similarity_score }) =>
        ids.has(`${document_id}/${start}`) || similarity_score >= last - ROUNDING,
    );
    return found.length / exact.length;
  });
  return {
    name,
    recall: recalls.reduce((sum, recall) => sum + recall, 0) / recalls.length,
    leastRecall: Math.min(...recalls),
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
  };
}

/** The exact result: every visible vector is compared, because no index knows an expression like this. */
async function nearest(question: string, percent: number): Promise<{ id: string; similarity: number }[]> {
  const { rows } = await pool.query<{ id: string; similarity: number }>(
    `SELECT c.document_id || '/' || c.start_offset AS id, 1 - (e.embedding <=> $1::real[]::halfvec) AS similarity
     FROM documents d JOIN chunks c ON c.document_id = d.id AND c.revision = d.live_revision
     JOIN chunk_embeddings e ON e.chunk_id = c.id
     WHERE (d.metadata ->> 'percentile')::int < $2
     ORDER BY 1 - (e.embedding <=> $1::real[]::halfvec) DESC LIMIT $3`,
    [toVectorParameter([standInEmbedding(question)]), percent, TOP_K],
  );
  return rows;
}

function table(): string {
  const { database, node, cpu } = conditions;
  return [
    `${chunks} passages of ${documents} documents, ${questionCount} questions, the ${TOP_K} nearest; ${database}; ` +
      `Node ${node}; ${cpu}`,
    '',
    markdown(
      ['visible', 'recall@10', 'least', 'p50 ms', 'p99 ms'],
      results.map(({ name, recall, leastRecall, p50, p99 }) => [
        name,
        recall.toFixed(3),
        leastRecall.toFixed(1),
        p50.toFixed(1),
        p99.toFixed(1),
      ]),
    ),
  ].join('\n');
}
