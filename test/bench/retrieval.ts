// Measures searches of growing collections, against what a search finds that looks at everything:
//   npm run bench:retrieval -- [--help]
import 'reflect-metadata';
import { Corpus } from './corpus.js';
import { ExactSearch, type Mode } from './exact-search.js';
import { fill } from './fill.js';
import { percentile } from './load.js';
import { readOptions } from './options.js';
import { machine, markdown, note, writeResults } from './results.js';
import { search, searchUntil } from './search-load.js';
import { setStage } from './stage.js';

const HELP = `Usage: npm run bench:retrieval -- [options]

Searches collections of growing size, by vectors, by keywords and by both, one and eight at once, and compares the ten
best with those of a search that looks at everything. A stand-in for a provider's model makes the vectors. Needs
DATABASE_URL: a new database is made on that server. The index of the vectors is built when all are there.

  --sizes N,N,…     passages (10000,50000,200000)
  --questions N     asked in turn (500)
  --judged N        questions whose ten best are compared (50)
  --seconds N       of each load (8)
  --dist DIR        the build to measure (default: dist)
  --output FILE     of the results, as JSON (default: in a new temporary folder)
`;
const MODES: Mode[] = ['semantic', 'keyword', 'hybrid'];
const TOP_K = 10;
const WARM_UP_MS = 2000;

interface Result {
  chunks: number;
  mode: Mode;
  recall: number;
  /** By how many searches at once. Milliseconds. */
  latencies: { atOnce: number; perSecond: number; p50: number; p99: number }[];
}

const { dist, output, numbers } = readOptions(HELP, {
  sizes: '10000,50000,200000',
  questions: '500',
  judged: '50',
  seconds: '8',
});
if (process.env['DATABASE_URL'] === undefined) throw new Error('set DATABASE_URL to a PostgreSQL server');
const [questionCount = 0] = numbers.questions;
const [judgedCount = 0] = numbers.judged;
const [seconds = 0] = numbers.seconds;

const corpus = new Corpus();
await using stage = await setStage(dist, 'stand-in');
const { url, pool } = stage;
const exact = await ExactSearch.open(pool, dist);
const results: Result[] = [];
let documents = 0;
for (const size of numbers.sizes) {
  note(`Ingesting up to about ${size} passages`);
  const rebuild = await dropVectorIndexes();
  documents = await fill(url, corpus, size, { first: documents });
  const started = performance.now();
  await rebuild();
  note(`Index built in ${((performance.now() - started) / 1000).toFixed(0)} s`);
  await stage.settle();
  const { rows } = await pool.query<{ chunks: number }>('SELECT count(*)::int AS chunks FROM chunks');
  const questions = corpus.questions(questionCount);
  for (const mode of MODES) results.push(await measure(mode, rows[0]?.chunks ?? 0, questions));
}
const conditions = { questions: questionCount, seconds, database: stage.database, ...machine() };
await writeResults('retrieval', output, { conditions, results }, table());

/** Building an index over what is there is much quicker than adding to it. @returns what builds them anew */
async function dropVectorIndexes(): Promise<() => Promise<void>> {
  const { rows } = await pool.query<{ name: string; definition: string }>(
    `SELECT indexname AS name, indexdef AS definition FROM pg_indexes
     WHERE tablename = 'chunk_embeddings' AND indexdef LIKE '%hnsw%'`,
  );
  for (const { name } of rows) await pool.query(`DROP INDEX ${name}`);
  return async () => {
    await pool.query("SET maintenance_work_mem = '2GB'");
    for (const { definition } of rows) await pool.query(definition);
  };
}

async function measure(mode: Mode, chunks: number, questions: readonly string[]): Promise<Result> {
  const options = { search_mode: mode, top_k: TOP_K };
  let recall = 0;
  const judged = questions.slice(0, judgedCount);
  for (const question of judged) {
    const best = (await exact.best(question, TOP_K))[mode];
    const hits = await search(url, { queries: [question], ...options });
    const found = hits.filter(({ document_id, start }) => best.has(`${document_id}/${start}`)).length;
    recall += found / Math.min(best.size, TOP_K) / judged.length;
  }
  const latencies = [];
  for (const atOnce of [1, 8]) {
    const load = { url, questions, options, connections: atOnce };
    await searchUntil(load, AbortSignal.timeout(WARM_UP_MS));
    const { latencies: all, seconds: taken } = await searchUntil(load, AbortSignal.timeout(seconds * 1000));
    latencies.push({
      atOnce,
      perSecond: all.length / taken,
      p50: percentile(all, 0.5),
      p99: percentile(all, 0.99),
    });
  }
  const [one] = latencies;
  note(`${chunks} passages, ${mode}: recall ${recall.toFixed(3)}, p50 ${one?.p50.toFixed(1)} ms`);
  return { chunks, mode, recall, latencies };
}

function table(): string {
  const { database, node, cpu } = conditions;
  return [
    `${questionCount} questions, the ${TOP_K} best; ${database}; Node ${node}; ${cpu}`,
    '',
    markdown(
      [
        'passages',
        'mode',
        'recall@10',
        ...[1, 8].flatMap((n) => [`${n} at once: searches/s`, 'p50 ms', 'p99 ms']),
      ],
      results.map(({ chunks, mode, recall, latencies }) => [
        chunks,
        mode,
        recall.toFixed(3),
        ...latencies.flatMap(({ perSecond, p50, p99 }) => [
          perSecond.toFixed(0),
          p50.toFixed(1),
          p99.toFixed(1),
        ]),
      ]),
    ),
  ].join('\n');
}
