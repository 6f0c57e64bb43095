// Measures what keys, limits and budgets cost under load, each on and off in one run:
//   npm run bench:access -- [--help]
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDatabase } from '../../src/eval/own-database.js';
import { Corpus } from './corpus.js';
import { ADMIN_KEY, databaseOf, ingest, makeKey, startFootnote } from './footnote.js';
import { askRound, median, type Round } from './load.js';
import { readOptions } from './options.js';
import { machine, markdown, note, writeResults } from './results.js';
import type { ProviderSettings } from './settings.js';
import { startWorker } from './worker.js';

const HELP = `Usage: npm run bench:access -- [options]

/ask with one thing more on each line: open and without limits; with a key; with limits for requests, tokens and requests
in flight, too; with four budgets (the key's and the service's, day and month), too. One service each, on one database on
the server of DATABASE_URL or, where it is not set, on an embedded one each; limits are counted in Redis where REDIS_URL is
set. Rounds alternate, so that noise hits all alike; nothing is ever refused.

  --chunks N         chunks to search (2000)
  --questions N      distinct questions (500)
  --connections N    (32)
  --rounds N         of each service (5)
  --seconds N        a round (8)
  --dist DIR         the build to measure (default: dist)
  --output FILE      of the results, as JSON (default: in a new temporary folder)
`;
const TOKENS = 50;
const WARM_UP_SECONDS = 6;

const NO_LIMITS = { RATE_LIMIT_RPM: '0', RATE_LIMIT_TPM: '0', RATE_LIMIT_CONCURRENCY: '0' };
const LIMITS = { rpm: 1_000_000, tpm: 1_000_000_000, concurrency: 10_000 };
const SERVICE_BUDGETS = { BUDGET_DAILY_USD: '100000', BUDGET_MONTHLY_USD: '1000000' };
const KEY_BUDGETS = { daily_usd: 10_000, monthly_usd: 100_000 };

/** What each service has on; the first one has nothing. */
const CASES: { name: string; env: Record<string, string>; key?: Record<string, unknown> }[] = [
  { name: 'open', env: NO_LIMITS },
  { name: '+ key', env: { ...NO_LIMITS, ADMIN_API_KEY: ADMIN_KEY }, key: {} },
  { name: '+ limits', env: { ...NO_LIMITS, ADMIN_API_KEY: ADMIN_KEY }, key: LIMITS },
  {
    name: '+ budgets',
    env: { ...NO_LIMITS, ADMIN_API_KEY: ADMIN_KEY, ...SERVICE_BUDGETS },
    key: { ...LIMITS, ...KEY_BUDGETS },
  },
];

const { numbers, dist, output } = readOptions(HELP, {
  chunks: '2000',
  questions: '500',
  connections: '32',
  rounds: '5',
  seconds: '8',
});
const [chunks = 0, count = 0, connections = 0, rounds = 0, seconds = 0] = [
  numbers.chunks[0],
  numbers.questions[0],
  numbers.connections[0],
  numbers.rounds[0],
  numbers.seconds[0],
];

await using clean = new AsyncDisposableStack();
const folder = await mkdtemp(join(tmpdir(), 'footnote-bench-'));
clean.defer(() => rm(folder, { recursive: true, force: true }));
const { DATABASE_URL, REDIS_URL } = process.env;
const database = DATABASE_URL === undefined ? undefined : await createDatabase(DATABASE_URL);
if (database !== undefined) clean.defer(() => database.drop());
const corpus = new Corpus();
const provider = await startWorker('./provider-process.ts', {
  tokens: corpus.answer(TOKENS),
  delayMs: 0,
} satisfies ProviderSettings);
clean.defer(() => provider.stop());

const services = [];
for (const [index, { name, env, key }] of CASES.entries()) {
  const dataDir = join(folder, String(index));
  await mkdir(dataDir);
  const start = (more: Record<string, string>) =>
    startFootnote({
      dist,
      dataDir,
      databaseUrl: database?.url,
      providerUrl: provider.url,
      embeddingModel: undefined,
      nodeArguments: [],
      env: { ...more, ...(REDIS_URL === undefined ? {} : { REDIS_URL }) },
    });
  if (index === 0 || database === undefined) {
    note(`Ingesting about ${chunks} chunks`);
    const open = await start(NO_LIMITS);
    await ingest(open.url, corpus, chunks);
    await open.stop();
    await database?.analyze();
  }
  const service = await start(env);
  clean.defer(() => service.stop());
  services.push({
    name,
    url: service.url,
    headers: key === undefined ? {} : await makeKey(service.url, key),
  });
}

const questions = corpus.questions(count);
const results: Round[][] = services.map(() => []);
for (let round = 0; round <= rounds; round++)
  for (const [index, { name, url, headers }] of services.entries()) {
    const length = round === 0 ? WARM_UP_SECONDS : seconds;
    const result = await askRound(url, questions, connections, length, hasAnswer, headers);
    note(
      `${round === 0 ? 'Warm-up' : `Round ${round}`}, ${name}: ${result.requestsPerSecond.toFixed(0)} requests/s`,
    );
    if (result.errors > 0) throw new Error(`${name} refused or failed ${result.errors} requests`);
    if (round > 0) results[index]?.push(result);
  }

const conditions = {
  chunks,
  questions: count,
  connections,
  rounds,
  seconds,
  database: await databaseOf(services[0]?.url ?? '', database === undefined),
  limits: REDIS_URL === undefined ? 'in each process' : 'in Redis',
  ...machine(),
};
const summaries = services.map(({ name }, index) => {
  const own = results[index] ?? [];
  // of each round by itself: what slows the machine slows both
  const shares = own.map(
    ({ requestsPerSecond }, round) => requestsPerSecond / (results[0]?.[round]?.requestsPerSecond ?? 1),
  );
  return {
    name,
    requestsPerSecond: median(own.map(({ requestsPerSecond }) => requestsPerSecond)),
    p50: median(own.map(({ p50 }) => p50)),
    p99: median(own.map(({ p99 }) => p99)),
    ofOpen: median(shares),
    rounds: own,
  };
});
await writeResults(
  'access',
  output,
  { conditions, summaries },
  [
    `/ask over ${chunks} chunks, ${connections} connections, ${rounds} × ${seconds} s; ${conditions.database}; limits ` +
      `${conditions.limits}; Node ${conditions.node}; ${conditions.cpu}`,
    '',
    markdown(
      ['on', 'requests/s', 'of open', 'p50 ms', 'p99 ms'],
      summaries.map((it) => [
        it.name,
        it.requestsPerSecond.toFixed(0),
        it.ofOpen.toFixed(2),
        it.p50.toFixed(1),
        it.p99.toFixed(1),
      ]),
    ),
  ].join('\n'),
);

function hasAnswer(body: string): boolean {
  return /"answer":"[^"]{100}/.test(body);
}
