// Retrieval and answer quality of this service on judged collections: `npm run eval -- --help`.
import 'reflect-metadata';
import { writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { availableParallelism, cpus } from 'node:os';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { KeywordIndex, type SearchMode } from '../retrieval/index.js';
import { evaluateAnswers } from './answers.js';
import { type BeirCollection, readBeir } from './beir.js';
import { mean } from './measures.js';
import { COLLECTION, index, type Indexed, measure, type Quality } from './quality.js';
import { type EvaluatedService, startService } from './service.js';

const USAGE = `Usage: npm run eval -- <folder in BEIR layout>… [options]

Adds the documents of each folder to the service as it is configured, on a database of their own (on the server of
DATABASE_URL, else the embedded one), and compares what its searches find with the judgements.

  --mode MODE       hybrid, keyword or semantic (all three)
  --answers         asks the questions that have gold answers instead
  --first N         of them
  --output FILE     writes the table there, too
`;
const MODES: SearchMode[] = ['hybrid', 'keyword', 'semantic'];
const SEARCH_HEAD =
  'collection|mode|nDCG@10|Recall@10|Recall@100|MRR|queries/s|passages|index MB|seconds to index';
const ANSWER_HEAD =
  'collection|questions|answered|containment|exact match|quotes (most)|citations|wrong offsets|answers/s';

const { positionals: folders, values } = parseArgs({
  allowPositionals: true,
  options: {
    mode: { type: 'string' },
    answers: { type: 'boolean' },
    first: { type: 'string' },
    output: { type: 'string' },
    help: { type: 'boolean' },
  },
});
const first = values.first === undefined ? Infinity : Number(values.first);
const modes = MODES.filter((mode) => values.mode === undefined || values.mode === mode);
if (values.help || folders.length === 0 || !(first >= 1) || modes.length === 0) {
  process[values.help ? 'stdout' : 'stderr'].write(USAGE);
  process.exit(values.help ? 0 : 2);
}

let engine = '';
const lines: string[] = [];
for (const folder of folders) {
  const name = basename(folder);
  const collection = readBeir(folder);
  const service = await startService();
  try {
    ({ engine } = service.app.get(KeywordIndex, { strict: false }));
    const indexed = await index(service.app, collection);
    if (values.answers) lines.push(await answerLine(name, service, collection));
    else
      for (const mode of modes)
        lines.push(searchLine(name, mode, await measure(service.app, collection, indexed, mode), indexed));
  } finally {
    await service.end();
  }
}
if (!values.answers && folders.length > 1) for (const mode of modes) lines.push(meanLine(mode, lines));
const head = values.answers ? ANSWER_HEAD : SEARCH_HEAD;
const database = process.env['DATABASE_URL'] === undefined ? 'embedded' : 'PostgreSQL server';
const table = [
  `${database}, ${engine}; Node ${process.version}; ${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'unknown'}`,
  '',
  ...[head, head.replaceAll(/[^|]+/g, '---'), ...lines].map((line) => `| ${line.split('|').join(' | ')} |`),
  '',
].join('\n');
process.stdout.write(table);
if (values.output !== undefined) await writeFile(values.output, table);

function searchLine(name: string, mode: SearchMode, quality: Quality, indexed: Indexed): string {
  const { ndcg10, recall10, recall100, mrr, queriesPerSecond } = quality;
  return [
    name,
    mode,
    ...[ndcg10, recall10, recall100, mrr].map((score) => score.toFixed(4)),
    queriesPerSecond.toFixed(0),
    indexed.passages,
    indexed.megabytes.toFixed(1),
    indexed.seconds.toFixed(1),
  ].join('|');
}

/** The means of a mode over all collections. */
function meanLine(mode: SearchMode, searched: readonly string[]): string {
  const scores = searched.map((line) => line.split('|')).filter((cells) => cells[1] === mode);
  const means = [2, 3, 4, 5].map((column) => mean(scores.map((cells) => Number(cells[column]))).toFixed(4));
  return ['mean', mode, ...means, '', '', '', ''].join('|');
}

async function answerLine(
  name: string,
  { app }: EvaluatedService,
  collection: BeirCollection,
): Promise<string> {
  const { address, port } = (await app.listen(0, '127.0.0.1')).address() as AddressInfo;
  const started = performance.now();
  const scores = await evaluateAnswers(`http://${address}:${port}`, COLLECTION, collection, first);
  return [
    name,
    scores.questions,
    scores.answered.toFixed(3),
    scores.containment.toFixed(3),
    scores.exactMatch.toFixed(3),
    `${scores.meanQuotes.toFixed(2)} (${scores.mostQuotes})`,
    scores.citations,
    scores.wrongOffsets,
    (scores.questions / ((performance.now() - started) / 1000)).toFixed(0),
  ].join('|');
}
