// Measures how quickly documents become searchable, and what searches feel of it:
//   npm run bench:ingest -- [--help]
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Corpus } from './corpus.js';
import { percentile } from './load.js';
import { readOptions, ROOT } from './options.js';
import { machine, markdown, note, writeResults } from './results.js';
import { type Searches, searchUntil } from './search-load.js';
import { setStage } from './stage.js';
import { ingestFiles, type Ingestion, type Upload } from './uploads.js';

const HELP = `Usage: npm run bench:ingest -- [options]

Uploads texts, then real files of every format, then searches the texts alone, then searches them while more texts
are uploaded. On a new database on the server of DATABASE_URL or, where it is not set, on the embedded one.

  --texts N         Markdown files of 2,000 words, of each of the two uploads (1000)
  --files N         files of all formats in turn (200)
  --connections N   searches at once (4)
  --seconds N       of searching alone (20)
  --dist DIR        the build to measure (default: dist)
  --output FILE     of the results, as JSON (default: in a new temporary folder)
`;
const FORMATS = join(ROOT, 'test/fixtures/documents');
const WORDS = 2000;
const QUESTIONS = 500;

const { dist, output, numbers } = readOptions(HELP, {
  texts: '1000',
  files: '200',
  connections: '4',
  seconds: '20',
});
const [texts = 0] = numbers.texts;
const [files = 0] = numbers.files;
const [connections = 0] = numbers.connections;
const [seconds = 0] = numbers.seconds;

const corpus = new Corpus();
const encoder = new TextEncoder();
function newTexts(collection: string, first: number): Upload[] {
  return Array.from({ length: texts }, (_, index) => {
    const { title, text } = corpus.document(first + index, WORDS);
    return { collection, name: `${title}.md`, bytes: encoder.encode(`# ${title}\n\n${text}`) };
  });
}

async function filesOfAllFormats(): Promise<Upload[]> {
  const names = (await readdir(FORMATS)).filter((name) => /^handbook[-.](?!source)/.test(name)).sort();
  const originals = await Promise.all(names.map((name) => readFile(join(FORMATS, name))));
  return Array.from({ length: files }, (_, index) => ({
    // the same content in one collection is one document
    collection: `files-${Math.floor(index / names.length)}`,
    name: names[index % names.length] ?? '',
    bytes: new Uint8Array(originals[index % names.length]!),
  }));
}

await using stage = await setStage(dist, 'built-in');
const { url } = stage;
note('Uploading texts');
const ofTexts = await ingestFiles(url, newTexts('texts', 0));
note('Uploading files of all formats');
const ofFiles = await ingestFiles(url, await filesOfAllFormats());
await stage.settle();
const load = {
  url,
  questions: corpus.questions(QUESTIONS),
  options: { collections: ['texts'] },
  connections,
};
note('Searching');
await searchUntil(load, AbortSignal.timeout(3000));
const alone = await searchUntil(load, AbortSignal.timeout(seconds * 1000));
// made before: that would take this process, and so its clocks, a while
const more = newTexts('more', texts);
note('Searching while texts are uploaded');
const done = new AbortController();
const searching = searchUntil(load, done.signal);
const whileSearching = await ingestFiles(url, more).finally(() => done.abort());
const meanwhile = await searching;

const ingestions = { texts: ofTexts, files: ofFiles, 'texts, while searching': whileSearching };
const searches = { alone, 'while texts are uploaded': meanwhile };
const conditions = { texts, files, connections, words: WORDS, database: stage.database, ...machine() };
await writeResults('ingest', output, { conditions, ingestions, searches: summaries() }, table());

function summaries() {
  return Object.fromEntries(
    Object.entries(searches).map(([name, { latencies, seconds: taken }]) => [
      name,
      {
        perSecond: latencies.length / taken,
        p50: percentile(latencies, 0.5),
        p99: percentile(latencies, 0.99),
      },
    ]),
  );
}

function table(): string {
  const ofIngestion = ([name, { documents, megabytes, chunks, seconds: taken }]: [string, Ingestion]) => [
    name,
    documents,
    (documents / taken).toFixed(1),
    (megabytes / taken).toFixed(2),
    (chunks / taken).toFixed(0),
  ];
  const ofSearches = ([name, { latencies, seconds: taken }]: [string, Searches]) => [
    name,
    (latencies.length / taken).toFixed(0),
    percentile(latencies, 0.5).toFixed(1),
    percentile(latencies, 0.99).toFixed(1),
  ];
  const { database, node, cpu } = conditions;
  return [
    `Texts of ${WORDS} words, ${ofTexts.chunks} passages; ${connections} searches at once; ${database}; ` +
      `Node ${node}; ${cpu}`,
    '',
    markdown(
      ['upload', 'documents', 'documents/s', 'MB/s', 'passages/s'],
      Object.entries(ingestions).map(ofIngestion),
    ),
    '',
    markdown(['searches', 'searches/s', 'p50 ms', 'p99 ms'], Object.entries(searches).map(ofSearches)),
  ].join('\n');
}
