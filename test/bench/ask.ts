// Measures /ask under load against a bare server that does only the unavoidable work, in one run on one machine:
//   node --import tsx test/bench/ask.ts [--help]
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Corpus } from './corpus.js';
import { createDatabase } from '../../src/eval/own-database.js';
import {
  databaseOf,
  type Footnote,
  ingest,
  recordedRequests,
  socketFolder,
  startFootnote,
} from './footnote.js';
import { askBody, askRound, type Round, streamRound } from './load.js';
import { type Subject, summarise, table } from './report.js';
import { machine, note, writeResults } from './results.js';
import type { FloorSettings, ProviderSettings } from './settings.js';
import { startWorker } from './worker.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const HELP = `Usage: node --import tsx test/bench/ask.ts [options]

Footnote, its limits and ledger on, against a bare node:http server with the same embedding, search and model call.
Both use the database at DATABASE_URL (a new one is made there, and dropped), or, where it is not set, Footnote's
embedded one. Every server is a process of its own; rounds alternate, so that noise hits all alike.

  --dist DIR         the build of Footnote to measure (default: dist). Give it again to compare builds in one run;
                     that needs DATABASE_URL
  --chunks N         chunks to search (5000)
  --questions N      distinct questions (500)
  --connections N    (32)
  --warm-up SECONDS  of each server (6)
  --rounds N         of each server (3)
  --seconds N        a round (8)
  --delay MS         the provider's pause before each of its 50 tokens (0)
  --output FILE      of the results, as JSON (default: in a new temporary folder)
  --profile DIR      write V8 CPU profiles of Footnote there
`;
const TOKENS = 50;

interface Options {
  dists: string[];
  chunks: number;
  questions: number;
  connections: number;
  warmUpSeconds: number;
  rounds: number;
  seconds: number;
  delayMs: number;
  output: string | undefined;
  profile: string | undefined;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      dist: { type: 'string', multiple: true, default: [join(ROOT, 'dist')] },
      chunks: { type: 'string', default: '5000' },
      questions: { type: 'string', default: '500' },
      connections: { type: 'string', default: '32' },
      'warm-up': { type: 'string', default: '6' },
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '8' },
      delay: { type: 'string', default: '0' },
      output: { type: 'string' },
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    process.exit(0);
  }
  const number = (
    name: 'chunks' | 'questions' | 'connections' | 'warm-up' | 'rounds' | 'seconds' | 'delay',
  ): number => {
    const value = Number(values[name]);
    if (!Number.isSafeInteger(value) || value < 0) throw new TypeError(`--${name} takes a whole number`);
    return value;
  };
  return {
    dists: values.dist.map((path) => resolve(path)),
    chunks: number('chunks'),
    questions: number('questions'),
    connections: number('connections'),
    warmUpSeconds: number('warm-up'),
    rounds: number('rounds'),
    seconds: number('seconds'),
    delayMs: number('delay'),
    output: values.output,
    profile: values.profile,
  };
}

async function main(options: Options): Promise<void> {
  for (const dist of options.dists)
    if (!existsSync(join(dist, 'main.js'))) throw new Error(`there is no build in ${dist}: npm run build`);
  const serverUrl = process.env['DATABASE_URL'];
  if (serverUrl === undefined && options.dists.length > 1)
    throw new Error('comparing builds needs DATABASE_URL: two processes cannot share the embedded database');
  await using clean = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'footnote-bench-'));
  clean.defer(() => rm(folder, { recursive: true, force: true }));
  const database = serverUrl === undefined ? undefined : await createDatabase(serverUrl);
  if (database !== undefined) clean.defer(() => database.drop());

  const corpus = new Corpus();
  const provider = await startWorker('./provider-process.ts', {
    tokens: corpus.answer(TOKENS),
    delayMs: options.delayMs,
  } satisfies ProviderSettings);
  clean.defer(() => provider.stop());
  const builds: Footnote[] = [];
  for (const [index, dist] of options.dists.entries()) {
    const dataDir = join(folder, String(index));
    await mkdir(dataDir);
    const profile = options.profile === undefined ? undefined : resolve(options.profile, String(index));
    const build = await startFootnote({
      dist,
      dataDir,
      databaseUrl: database?.url,
      providerUrl: provider.url,
      embeddingModel: undefined,
      nodeArguments: profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`],
    });
    clean.defer(() => build.stop());
    builds.push(build);
  }
  const [first] = builds;
  if (first === undefined) throw new Error('there is nothing to measure');
  note(`Ingesting about ${options.chunks} chunks`);
  const ingestStarted = performance.now();
  const chunks = await ingest(first.url, corpus, options.chunks);
  note(`${chunks} chunks in ${((performance.now() - ingestStarted) / 1000).toFixed(1)} s`);
  await database?.analyze();
  const floor = await startWorker('./floor-process.ts', {
    dist: options.dists[0] ?? '',
    database:
      database === undefined
        ? { socketFolder: await socketFolder(join(folder, '0')) }
        : { url: database.url },
    providerUrl: provider.url,
  } satisfies FloorSettings);
  clean.defer(() => floor.stop());

  const questions = corpus.questions(options.questions);
  const subjects: Subject[] = [
    { name: 'floor', url: floor.url, isRight: hasAnswer },
    ...builds.map(({ url }, index) => ({
      name: options.dists.length === 1 ? 'Footnote' : `Footnote (${options.dists[index]})`,
      url,
      isRight: (body: string) => hasAnswer(body) && hasCost(body),
    })),
  ];
  await checkAnswers(subjects, questions);
  const rounds = await measure(subjects, questions, options);
  await checkLedger(first.url, rounds, subjects);

  const results = summarise(subjects, rounds, {
    ...options,
    chunks,
    database: await databaseOf(first.url, database === undefined),
    ...machine(),
  });
  await writeResults('ask', options.output, results, table(results));
  if (results.servers.some(({ errors, streamErrors }) => errors + streamErrors > 0)) process.exitCode = 1;
}

async function measure(subjects: readonly Subject[], questions: readonly string[], options: Options) {
  const { connections, warmUpSeconds, seconds } = options;
  const rounds: { ask: Round[]; stream: Round[] }[] = subjects.map(() => ({ ask: [], stream: [] }));
  for (const { name, url, isRight } of subjects) {
    note(`Warming up ${name}`);
    if (warmUpSeconds > 0) await askRound(url, questions, connections, warmUpSeconds, isRight);
  }
  for (let round = 1; round <= options.rounds; round++) {
    for (const [index, { name, url, isRight }] of subjects.entries()) {
      const result = await askRound(url, questions, connections, seconds, isRight);
      note(
        `Round ${round}, ${name}: ${result.requestsPerSecond.toFixed(0)} requests/s, ${result.errors} errors`,
      );
      rounds[index]?.ask.push(result);
    }
  }
  for (let round = 1; round <= options.rounds; round++) {
    for (const [index, { name, url }] of subjects.entries()) {
      const result = await streamRound(url, questions, connections, Math.max(1, Math.round(seconds / 2)));
      note(
        `Stream round ${round}, ${name}: first token after ${result.p50.toFixed(1)} ms (p50), ${result.errors} errors`,
      );
      rounds[index]?.stream.push(result);
    }
  }
  return rounds;
}

/** Every server must find the same passages and give the whole answer. */
async function checkAnswers(subjects: readonly Subject[], questions: readonly string[]): Promise<void> {
  for (const question of questions.slice(0, 5)) {
    const answers = await Promise.all(
      subjects.map(async ({ name, url, isRight }) => {
        const response = await fetch(`${url}/ask`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: askBody(question),
        });
        const body = await response.text();
        if (response.status !== 200 || !isRight(body))
          throw new Error(`${name} answered ${response.status}: ${body}`);
        const { sources } = JSON.parse(body) as { sources: { id: string }[] };
        return sources.map(({ id }) => id).join(' ');
      }),
    );
    if (new Set(answers).size !== 1 || answers[0] === '')
      throw new Error(
        `different passages were found for ${JSON.stringify(question)}: ${answers.join(' | ')}`,
      );
  }
}

/** Every answer is on the bill. */
async function checkLedger(
  url: string,
  rounds: readonly { ask: Round[]; stream: Round[] }[],
  subjects: readonly Subject[],
): Promise<void> {
  const answered = rounds
    .filter((_, index) => subjects[index]?.name !== 'floor')
    .flatMap(({ ask, stream }) => [...ask, ...stream])
    .reduce((sum, round) => sum + round.answered, 0);
  const recorded = await recordedRequests(url);
  if (recorded < answered)
    throw new Error(`${answered} answers, but only ${recorded} requests in the ledger`);
}

function hasAnswer(body: string): boolean {
  return /"answer":"[^"]{100}/.test(body);
}

function hasCost(body: string): boolean {
  return /"cost_usd":0\.\d*[1-9]/.test(body);
}

await main(readOptions());
