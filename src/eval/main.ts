// Retrieval quality of this service on a judged collection: `npm run eval -- <folder in BEIR layout>`.
import 'reflect-metadata';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { mapLimit } from '../common/index.js';
import { AppConfig } from '../config/index.js';
import { createApp } from '../create-app.js';
import { Database } from '../database/index.js';
import { IntakeService } from '../documents/index.js';
import { KeywordIndex, type SearchMode, SearchService } from '../retrieval/index.js';
import { evaluateAnswers } from './answers.js';
import { type BeirCollection, readBeir } from './beir.js';
import { mean, ndcg, recall, reciprocalRank } from './measures.js';

/** Deep enough for Recall@100 even where a document is found by several of its passages. */
const DEPTH = 200;
const DOCUMENTS_AT_ONCE = 100;
const QUERIES_AT_ONCE = 4;
const MODES: SearchMode[] = ['hybrid', 'keyword', 'semantic'];
const USAGE =
  'usage: npm run eval -- <folder> [--mode hybrid|keyword|semantic] (default: all three)\n' +
  '       npm run eval -- <folder> --answers [--first N]   asks the questions that have gold answers';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { mode: { type: 'string' }, answers: { type: 'boolean' }, first: { type: 'string' } },
});
const [folder] = positionals;
const first = values.first === undefined ? Infinity : Number(values.first);
if (
  folder === undefined ||
  !(first >= 1) ||
  (values.mode !== undefined && !MODES.some((mode) => mode === values.mode))
) {
  process.stderr.write(`${USAGE}\n`);
  process.exit(2);
}

const dataDir = await mkdtemp(join(tmpdir(), 'footnote-eval-'));
const app = await createApp(
  new AppConfig({
    LOG_LEVEL: 'warn',
    RATE_LIMIT_RPM: '0',
    ...process.env,
    // reached from this process only
    HOST: '127.0.0.1',
    PORT: '0',
    DATA_DIR: dataDir,
  }),
);
await app.init();
const database = app.get(Database);
// a server's database may hold other collections: this one is made for the run and removed after it
const collectionName = `eval-${process.pid}-${Date.now()}`;
try {
  await run(readBeir(folder));
} finally {
  await database.query('DELETE FROM collections WHERE name = $1', [collectionName]);
  await app.close();
  await rm(dataDir, { recursive: true, force: true });
}

async function run(collection: BeirCollection): Promise<void> {
  const started = performance.now();
  const idOf = await ingest(collection);
  const seconds = (performance.now() - started) / 1000;
  const [size] = await database.query<{ chunks: string }>(
    'SELECT chunk_count AS chunks FROM collections WHERE name = $1',
    [collectionName],
  );
  print(
    `${basename(folder ?? '')}: ${collection.documents.length} documents, ${size?.chunks ?? 0} chunks, ` +
      `${collection.queries.length} queries, indexed in ${seconds.toFixed(1)} s; ` +
      `keyword engine ${app.get(KeywordIndex, { strict: false }).engine}\n`,
  );
  if (values.answers) return printAnswers(collection);
  print('| mode | nDCG@10 | Recall@10 | Recall@100 | MRR | queries/s |\n|---|---|---|---|---|---|');
  for (const mode of MODES.filter((candidate) => values.mode === undefined || values.mode === candidate))
    print(await evaluate(collection, idOf, mode));
}

async function printAnswers(collection: BeirCollection): Promise<void> {
  const { address, port } = (await app.listen(0, '127.0.0.1')).address() as AddressInfo;
  const started = performance.now();
  const scores = await evaluateAnswers(`http://${address}:${port}`, collectionName, collection, first);
  const rate = scores.questions / ((performance.now() - started) / 1000);
  print(
    '| questions | answered | containment | exact match | quotes (most) | citations | wrong offsets | answers/s |\n' +
      '|---|---|---|---|---|---|---|---|',
  );
  const cells = [
    scores.questions,
    scores.answered.toFixed(3),
    scores.containment.toFixed(3),
    scores.exactMatch.toFixed(3),
    `${scores.meanQuotes.toFixed(2)} (${scores.mostQuotes})`,
    scores.citations,
    scores.wrongOffsets,
    rate.toFixed(0),
  ];
  print(`| ${cells.join(' | ')} |`);
}

/** Adds all documents and waits until they are searchable. @returns the judged id of each document's id */
async function ingest({ documents }: BeirCollection): Promise<Map<string, string>> {
  const intake = app.get(IntakeService, { strict: false });
  const idOf = new Map<string, string>();
  for (let start = 0; start < documents.length; start += DOCUMENTS_AT_ONCE) {
    const batch = documents.slice(start, start + DOCUMENTS_AT_ONCE);
    const accepted = await intake.accept(
      batch.map(({ id, title, text }) => ({
        title: title === '' ? undefined : title,
        url: null,
        metadata: {},
        externalId: id,
        mediaType: 'text/plain; charset=utf-8',
        fileName: undefined,
        allowed: null,
        read: () => Promise.resolve(Buffer.from(text)),
      })),
      collectionName,
    );
    for (const [index, { id }] of accepted.entries()) idOf.set(id, batch[index]?.id ?? '');
  }
  for (;;) {
    const [left] = await database.query<{ open: number; failed: number }>(
      `SELECT count(*) FILTER (WHERE status IN ('queued', 'processing'))::int AS open,
              count(*) FILTER (WHERE status = 'failed')::int AS failed
       FROM documents WHERE collection_id = (SELECT id FROM collections WHERE name = $1)`,
      [collectionName],
    );
    if (left?.failed) print(`${left.failed} documents failed\n`);
    if (left?.open === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return idOf;
}

async function evaluate(
  collection: BeirCollection,
  idOf: Map<string, string>,
  mode: SearchMode,
): Promise<string> {
  const searches = app.get(SearchService, { strict: false });
  const started = performance.now();
  const rankings = await mapLimit(collection.queries, QUERIES_AT_ONCE, async ({ text }) => {
    const { hits } = await searches.search(
      { queries: [text], collections: [collectionName], topK: DEPTH, minSimilarity: 0, mode },
      AbortSignal.timeout(60_000),
    );
    // a document ranks where its best passage does
    return [...new Set((hits[0] ?? []).map(({ documentId }) => idOf.get(documentId) ?? ''))];
  });
  const rate = collection.queries.length / ((performance.now() - started) / 1000);
  const average = (measure: (ranking: string[], relevance: ReadonlyMap<string, number>) => number): string =>
    mean(
      collection.queries.map(({ id }, index) =>
        measure(rankings[index] ?? [], collection.relevance.get(id) ?? new Map()),
      ),
    ).toFixed(4);
  const cells = [
    mode,
    average((ranking, relevance) => ndcg(ranking, relevance, 10)),
    average((ranking, relevance) => recall(ranking, relevance, 10)),
    average((ranking, relevance) => recall(ranking, relevance, 100)),
    average(reciprocalRank),
    rate.toFixed(0),
  ];
  return `| ${cells.join(' | ')} |`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
