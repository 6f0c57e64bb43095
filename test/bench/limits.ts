// Shows what two replicas behind nginx admit when three keys drive them hard, with Redis stopped and started on the way:
//   npm run bench:limits -- [--help]
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createDatabase } from '../../src/eval/own-database.js';
import { Corpus } from './corpus.js';
import { ADMIN_KEY, get, ingest, makeKey, startFootnote } from './footnote.js';
import { readOptions } from './options.js';
import { machine, markdown, note, writeResults } from './results.js';
import { freePort, startNginx, startRedis } from './servers.js';
import type { ProviderSettings } from './settings.js';
import { startWorker, stop } from './worker.js';

const HELP = `Usage: DATABASE_URL=… npm run bench:limits -- [options]

Two Footnotes on the database server of DATABASE_URL, a Redis of their own between them, nginx before them, a stand-in for
a provider behind them. Three keys, one with a limit for requests a minute, one for tokens a minute, one for requests in
flight, ask at once, as fast as they are answered. Then Redis is killed, and after a while started again.
Takes \`nginx\` and \`redis-server\` from the PATH.

  --seconds N        of each phase: with Redis, without, with it again (75)
  --rpm N            (120)
  --tpm N            (60000)
  --concurrency N    (6)
  --clients N        connections of each key (12)
  --dist DIR         the build (default: dist)
  --output FILE      of the results, as JSON (default: in a new temporary folder)
`;
const ANSWER_TOKENS = 50;
const TOKEN_DELAY_MS = 4;
const CHUNKS = 200;
const WINDOW_MS = 60_000;
/** A refused client asks again after this long: often enough that a limit is always what holds it back. */
const PAUSE_MS = 25;

/** One answer, by the clock of the load. */
interface Admitted {
  sent: number;
  /** The first and the last piece of it that came. */
  first: number;
  last: number;
  tokens: number;
}

interface Caller {
  limit: string;
  headers: Record<string, string>;
  allowed: number;
  admitted: Admitted[];
  refused: number;
  others: number;
}

interface Phase {
  name: string;
  from: number;
  to: number;
}

const { numbers, dist, output } = readOptions(HELP, {
  seconds: '75',
  rpm: '120',
  tpm: '60000',
  concurrency: '6',
  clients: '12',
});
const number = (name: keyof typeof numbers): number => numbers[name][0] ?? 0;
const { DATABASE_URL } = process.env;
if (DATABASE_URL === undefined)
  throw new Error('DATABASE_URL is not set: two processes cannot share the embedded database');

await using clean = new AsyncDisposableStack();
const folder = await mkdtemp(join(tmpdir(), 'footnote-bench-'));
clean.defer(() => rm(folder, { recursive: true, force: true }));
const database = await createDatabase(DATABASE_URL);
clean.defer(() => database.drop());
const corpus = new Corpus();
const provider = await startWorker('./provider-process.ts', {
  tokens: corpus.answer(ANSWER_TOKENS),
  delayMs: TOKEN_DELAY_MS,
} satisfies ProviderSettings);
clean.defer(() => provider.stop());

const redisPort = await freePort();
let redis = await startRedis(redisPort, folder);
clean.defer(() => stop(redis));

const start = async (name: string, env: Record<string, string>) => {
  const dataDir = join(folder, name);
  await mkdir(dataDir);
  return startFootnote({
    dist,
    dataDir,
    databaseUrl: database.url,
    providerUrl: provider.url,
    embeddingModel: undefined,
    nodeArguments: [],
    env,
  });
};
note(`Ingesting about ${CHUNKS} chunks`);
const open = await start('open', {});
await ingest(open.url, corpus, CHUNKS);
await open.stop();
const urls: string[] = [];
for (const name of ['a', 'b']) {
  const replica = await start(name, {
    ADMIN_API_KEY: ADMIN_KEY,
    REDIS_URL: `redis://127.0.0.1:${redisPort}/0`,
    TRUSTED_PROXIES: 'loopback',
  });
  clean.defer(() => replica.stop());
  urls.push(replica.url);
}
const nginx = await startNginx(urls, folder);
clean.defer(() => stop(nginx.child));

const questions = corpus.questions(200);
const callers = [
  await newCaller('requests a minute', { rpm: number('rpm'), tpm: 0, concurrency: 0 }, number('rpm')),
  await newCaller('tokens a minute', { rpm: 0, tpm: number('tpm'), concurrency: 0 }, number('tpm')),
  await newCaller(
    'requests in flight',
    { rpm: 0, tpm: 0, concurrency: number('concurrency') },
    number('concurrency'),
  ),
];

const phases: Phase[] = [];
/** How often each caller was refused in a phase. */
const refusedIn = new Map<string, number[]>();
const over = new AbortController();
let phaseBegins = performance.now();
const clients = callers.flatMap((caller) =>
  Array.from({ length: number('clients') }, (_, index) => drive(caller, index)),
);
await phase('with Redis');
await stop(redis);
await countedIn('redis_unavailable');
phaseBegins = performance.now();
await phase('Redis gone');
redis = await startRedis(redisPort, folder);
await countedIn('redis');
phaseBegins = performance.now();
await phase('with Redis again');
over.abort();
await Promise.all(clients);

const rows = phases.flatMap((during) => callers.map((caller) => rowOf(caller, during)));
const failed = callers.reduce((sum, { others }) => sum + others, 0);
const conditions = {
  replicas: urls.length,
  clients: number('clients'),
  seconds: number('seconds'),
  failed,
  ...machine(),
};
await writeResults(
  'limits',
  output,
  { conditions, rows },
  [
    `2 replicas, nginx, PostgreSQL, Redis; 3 keys × ${conditions.clients} connections, ${conditions.seconds} s a phase; ` +
      `neither 200 nor 429: ${failed}; Node ${conditions.node}; ${conditions.cpu}`,
    '',
    markdown(
      ['phase', 'limit of the key', 'allowed', 'most admitted', 'asked', 'answered', 'refused'],
      rows.map((row) => [
        row.phase,
        row.limit,
        row.allowed,
        row.most,
        row.asked,
        row.answered,
        row.asked - row.answered,
      ]),
    ),
  ].join('\n'),
);
if (failed > 0) process.exitCode = 1;

/** Lets the load go on for a phase's time. */
async function phase(name: string): Promise<void> {
  const from = phaseBegins;
  const before = callers.map(({ refused }) => refused);
  await wait(number('seconds') * 1000);
  phases.push({ name, from, to: performance.now() });
  phaseBegins = performance.now();
  const counts = callers.map(({ refused }, index) => refused - (before[index] ?? 0));
  note(`${name}: refused ${counts.join(', ')}`);
  refusedIn.set(name, counts);
}

/** Asks, one after the other, until all is over. */
async function drive(caller: Caller, offset: number): Promise<void> {
  for (let index = offset; !over.signal.aborted; index++) {
    const sent = performance.now();
    try {
      const response = await fetch(`${nginx.url}/ask/stream`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...caller.headers },
        body: JSON.stringify({ question: questions[index % questions.length], min_similarity: 0 }),
      });
      if (response.status === 200) await read(response, sent, caller);
      else {
        await response.text();
        if (response.status === 429) caller.refused++;
        else caller.others++;
        await wait(PAUSE_MS);
      }
    } catch {
      caller.others++;
      await wait(PAUSE_MS);
    }
  }
}

async function read(response: Response, sent: number, caller: Caller): Promise<void> {
  const decoder = new TextDecoder();
  let text = '';
  let first = 0;
  let last = 0;
  for await (const piece of response.body ?? []) {
    text += decoder.decode(piece as Uint8Array, { stream: true });
    if (first === 0 && text.includes('event: token')) first = performance.now();
    if (!text.includes('event: done')) last = performance.now();
  }
  const tokens = Number(/"tokens_used":(\d+)/.exec(text)?.[1] ?? Number.NaN);
  if (Number.isNaN(tokens)) caller.others++;
  else caller.admitted.push({ sent, first, last, tokens });
}

function rowOf(caller: Caller, { name, from, to }: Phase) {
  const during = caller.admitted
    .filter(({ sent, first }) => sent >= from && first <= to)
    .sort((a, b) => a.sent - b.sent);
  const isFlight = caller.limit === 'requests in flight';
  const weight = caller.limit === 'tokens a minute' ? (it: Admitted) => it.tokens : () => 1;
  const answered = during.length;
  const refused = refusedIn.get(name)?.[callers.indexOf(caller)] ?? 0;
  return {
    phase: name,
    limit: caller.limit,
    allowed: caller.allowed,
    most: isFlight ? mostAtOnce(during) : mostInWindow(during, weight),
    asked: answered + refused,
    answered,
  };
}

/** Most of it that any 60 s hold, by when they were sent. */
function mostInWindow(admitted: readonly Admitted[], weight: (it: Admitted) => number): number {
  const inOrder = admitted.toSorted((a, b) => a.sent - b.sent);
  let most = 0;
  let sum = 0;
  let start = 0;
  for (const it of inOrder) {
    sum += weight(it);
    for (
      let first = inOrder[start];
      first !== undefined && it.sent - first.sent >= WINDOW_MS;
      first = inOrder[start]
    ) {
      sum -= weight(first);
      start++;
    }
    most = Math.max(most, sum);
  }
  return most;
}

/** Most answers that were coming at the same time. */
function mostAtOnce(admitted: readonly Admitted[]): number {
  const changes = admitted
    .flatMap(({ first, last }) => [
      { at: first, by: 1 },
      { at: Math.max(first, last), by: -1 },
    ])
    .sort((a, b) => a.at - b.at || a.by - b.by);
  let now = 0;
  let most = 0;
  for (const { by } of changes) most = Math.max(most, (now += by));
  return most;
}

async function newCaller(limit: string, settings: Record<string, unknown>, allowed: number): Promise<Caller> {
  const headers = await makeKey(nginx.url, { name: limit, scopes: ['ask'], ...settings });
  return { limit, headers, allowed, admitted: [], refused: 0, others: 0 };
}

/** Waits until both replicas say where they count. */
async function countedIn(where: string): Promise<void> {
  for (const url of urls)
    for (let attempt = 0; ; attempt++) {
      const { details } = await get<{ details: { limits: { counted_in: string } } }>(`${url}/health/ready`);
      if (details.limits.counted_in === where) break;
      if (attempt === 200) throw new Error(`${url} counts in ${details.limits.counted_in}, not in ${where}`);
      await wait(50);
    }
}
