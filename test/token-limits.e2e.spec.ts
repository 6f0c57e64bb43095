// Real: HTTP, database, limiter, and Redis where there is one. The provider is a stand-in that speaks its wire protocol.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { CreateKeyDto } from '../src/auth/keys/keys.dto.js';
import { RedisConnection } from '../src/redis/index.js';
import type { ApiClient, Reply } from './support/app.js';
import {
  createStorage,
  expectProblem,
  onServer,
  poll,
  startApp,
  type Storage,
  type TestApp,
} from './support/app.js';
import { answer, FakeProvider, hangBeforeHeaders, status } from './support/fake-providers/index.js';
import { ADMIN_KEY, makeKey, withSecret } from './support/keys.js';

const { TEST_REDIS_URL } = process.env;
const DOCUMENT = { title: 'Key rotation', text: 'API keys are rotated every 90 days.' };
const ASK = { question: 'How often are API keys rotated?', max_tokens: 100 };
/** What the provider bills for one answer. */
const TOKENS = 150;

let provider: FakeProvider;
beforeAll(async () => {
  provider = await FakeProvider.start();
});
afterEach(() => provider.reset());
afterAll(() => provider.stop());

const ANSWER = answer('Every 90 days.', { usage: { inputTokens: 120, outputTokens: 30 } });

function environment(more: Record<string, string> = {}): Record<string, string> {
  return {
    ADMIN_API_KEY: ADMIN_KEY,
    LLM_MODELS: 'openai/gpt-5.4-mini',
    OPENAI_API_KEY: 'k',
    OPENAI_BASE_URL: provider.openaiBaseUrl,
    LLM_BREAKER_FAILURES: '0',
    LLM_MAX_RETRIES: '0',
    ...more,
  };
}

const asAdmin = (app: ApiClient): ApiClient => withSecret(app, ADMIN_KEY);

/** A client with a key of its own. */
async function withKey(app: ApiClient, settings: Partial<CreateKeyDto>): Promise<ApiClient> {
  return (await makeKey(asAdmin(app), settings)).client;
}

/** The items of a structured list of the RateLimit fields, by their names. */
function fieldOf(reply: Pick<Reply, 'headers'>, name: string): Record<string, string> {
  const items = (reply.headers.get(name) ?? '').split(', ').filter((item) => item !== '');
  return Object.fromEntries(
    items.map((item) => {
      const [, policy, rest] = /^"([\w-]+)";(.*)$/.exec(item)!;
      return [policy, rest];
    }),
  );
}

const left = (reply: Reply, policy: string): number =>
  Number(/r=(\d+)/.exec(fieldOf(reply, 'ratelimit')[policy]!)![1]);
const tokensLeft = (reply: Reply): number => left(reply, 'tokens');
const requestsLeft = (reply: Reply): number => left(reply, 'requests');

describe('limits of keys', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp(environment());
    await asAdmin(app).post('/documents?wait=true', DOCUMENT);
  });
  afterAll(() => app.stop());

  it('are named with what is left of each', async () => {
    const client = await withKey(app, { rpm: 7, tpm: 50_000, concurrency: 3 });
    provider.default(ANSWER);
    await client.ask(ASK);
    const reply = await client.post('/ask', ASK);
    expect(fieldOf(reply, 'ratelimit-policy')).toEqual({
      requests: 'q=7;w=60',
      tokens: 'q=50000;w=60;qu="tokens"',
      concurrency: 'q=3;qu="concurrent-requests"',
    });
    const { requests, tokens, concurrency } = fieldOf(reply, 'ratelimit');
    expect(requests).toMatch(/^r=5;t=(5\d|60)$/);
    // as they were when this request came in: the first one, corrected to what it used
    expect(tokens).toMatch(new RegExp(`^r=${50_000 - TOKENS};t=(5\\d|60)$`));
    expect(concurrency).toBe('r=2');
  });

  it('are the key’s own, whatever the service’s are; null is the service’s', async () => {
    const limited = await startApp(environment({ RATE_LIMIT_RPM: '2', RATE_LIMIT_TPM: '7777' }));
    try {
      provider.default(ANSWER);
      for (const [settings, policy] of [
        [{}, { requests: 'q=2;w=60', tokens: 'q=7777;w=60;qu="tokens"' }],
        [{ rpm: 5 }, { requests: 'q=5;w=60', tokens: 'q=7777;w=60;qu="tokens"' }],
        [{ rpm: 0, tpm: 0, concurrency: 1 }, { concurrency: 'q=1;qu="concurrent-requests"' }],
        [{ rpm: 0, tpm: 0 }, {}],
      ] as const) {
        const client = await withKey(limited, settings);
        const reply = await client.post('/search', { queries: ['anything'] });
        expect(reply.status).toBe(200);
        expect(fieldOf(reply, 'ratelimit-policy')).toEqual(policy);
      }
    } finally {
      await limited.stop();
    }
  });

  it('holds tokens before anything is sent, and counts what was used afterwards', async () => {
    const client = await withKey(app, { tpm: 4_000, rpm: 0, concurrency: 0 });
    provider.default(hangBeforeHeaders());
    const waiting = new AbortController();
    const first = client.post('/ask', { ...ASK, max_tokens: 3_000 }, { signal: waiting.signal });
    first.catch(() => undefined);
    await provider.until(() => provider.requests.length === 1);
    const refused = await client.post('/ask', { ...ASK, max_tokens: 3_000 });
    const problem = expectProblem(refused, 429, 'RATE_LIMITED');
    expect(problem).toMatchObject({
      type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
      'violated-policies': ['tokens'],
      detail: expect.stringMatching(/^More than 4000 tokens a minute\. Try again in \d+ s\.$/),
    });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(provider.requests).toHaveLength(1);
    // in a stream, too, it is an ordinary error
    const stream = await client.openStream({ ...ASK, max_tokens: 3_000 });
    expect(stream.status).toBe(429);
    await stream.body?.cancel();
    // who leaves gives back what was not used
    waiting.abort();
    await poll('the tokens are free again', async () => {
      provider.default(ANSWER);
      const reply = await client.post('/ask', { ...ASK, max_tokens: 3_000 });
      return reply.status === 200 ? reply : undefined;
    });
  });

  it('never uses more tokens than the limit, under load', async () => {
    const client = await withKey(app, { tpm: 5_000, rpm: 0, concurrency: 0 });
    provider.default(ANSWER);
    const replies = await Promise.all(Array.from({ length: 60 }, () => client.post('/ask', ASK)));
    const admitted = replies.filter(({ status }) => status === 200).length;
    for (const reply of replies) if (reply.status !== 200) expectProblem(reply, 429, 'RATE_LIMITED');
    let used = admitted * TOKENS;
    expect(used).toBeGreaterThan(0);
    // one after the other, as long as there is room for one more
    for (;;) {
      const reply = await client.post('/ask', ASK);
      if (reply.status === 429) break;
      used += TOKENS;
    }
    expect(used).toBeLessThanOrEqual(5_000);
    // what is held for one is all that may be left
    expect(used).toBeGreaterThan(3_500);
  });

  it('lets an ask that is larger than the limit in, one at a time', async () => {
    const client = await withKey(app, { tpm: 100, rpm: 0, concurrency: 0 });
    provider.default(ANSWER);
    expect((await client.post('/ask', ASK)).status).toBe(200);
    const refused = await client.post('/ask', ASK);
    expectProblem(refused, 429, 'RATE_LIMITED');
    expect(tokensLeft(refused)).toBe(0);
  });

  it('counts failed attempts for what they used, and nothing for what runs in this process', async () => {
    const client = await withKey(app, { tpm: 50_000 });
    provider.next(status(500));
    expect((await client.post('/ask', ASK)).status).toBe(502);
    provider.default(ANSWER);
    expect(tokensLeft(await client.post('/ask', ASK))).toBe(50_000);
    expect(tokensLeft(await client.post('/search', { queries: ['keys'] }))).toBe(50_000 - TOKENS);
  });

  it('admits as many requests at once as may be in flight, streams until their end', async () => {
    const client = await withKey(app, { concurrency: 4, rpm: 0, tpm: 0 });
    provider.default(answer('word '.repeat(50), { delayMs: 20 }));
    const replies = await Promise.all(Array.from({ length: 20 }, () => client.openStream(ASK)));
    const open = replies.filter((reply) => reply.status === 200);
    expect(open).toHaveLength(4);
    const [refused] = replies.filter((reply) => reply.status === 429);
    expect(refused!.headers.get('retry-after')).toBe('1');
    expect(await refused!.json()).toMatchObject({
      'violated-policies': ['concurrency'],
      detail: 'More than 4 requests at once. Try again in 1 s.',
    });
    // one that is left by its caller, and ones that are read to their end, make room
    await open[0]!.body!.cancel();
    await poll('there is room', async () =>
      (await client.post('/search', { queries: ['keys'] })).status === 200 ? true : undefined,
    );
    await Promise.all(open.slice(1).map((reply) => reply.text()));
    await poll('there is room for all', async () => {
      const again = await Promise.all(
        Array.from({ length: 4 }, () => client.post('/search', { queries: ['keys'] })),
      );
      return again.every((reply) => reply.status === 200) ? true : undefined;
    });
  });

  it('counts each question of a batch', async () => {
    const client = await withKey(app, { rpm: 5 });
    provider.default(ANSWER);
    const reply = await client.post<{ results: { status: number; error?: { detail: string } }[] }>(
      '/ask/batch',
      {
        questions: Array.from({ length: 8 }, () => ASK),
      },
    );
    expect(reply.status).toBe(200);
    const statuses = reply.body.results.map((result) => result.status);
    expect(statuses.filter((code) => code === 200)).toHaveLength(5);
    expect(statuses.filter((code) => code === 429)).toHaveLength(3);
    expect(statuses[0]).toBe(200);
    expectProblem(await client.post('/ask', ASK), 429, 'RATE_LIMITED');
  });
});

describe('RATE_LIMIT_GLOBAL_…', () => {
  it('bounds all callers together, and shows none of them what the others use', async () => {
    const app = await startApp(environment({ RATE_LIMIT_GLOBAL_RPM: '10', RATE_LIMIT_GLOBAL_TPM: '100000' }));
    try {
      const clients = await Promise.all([1, 2, 3].map(() => withKey(app, { rpm: 6 })));
      const replies = await Promise.all(
        Array.from({ length: 30 }, (_, index) =>
          clients[index % 3]!.post('/search', { queries: ['anything'] }),
        ),
      );
      expect(replies.filter(({ status }) => status === 200)).toHaveLength(10);
      const refused = replies
        .filter(({ status }) => status === 429)
        .map((reply) => expectProblem(reply, 429, 'RATE_LIMITED'));
      const policies = refused.map(
        (problem) => (problem as { 'violated-policies'?: string[] })['violated-policies'],
      );
      expect(policies).toContainEqual(['global-requests']);
      expect(refused.map(({ detail }) => detail)).toContainEqual(
        expect.stringMatching(/^More than 10 requests a minute of all callers\./),
      );
      for (const reply of replies) expect(Object.keys(fieldOf(reply, 'ratelimit'))).toEqual(['requests']);
      // what the ceiling refuses costs nobody anything of its own
      const ownLeft = clients.map((_, client) =>
        Math.min(...replies.filter((_, index) => index % 3 === client).map(requestsLeft)),
      );
      expect(ownLeft.reduce((sum, own) => sum + 6 - own, 0)).toBe(10);
    } finally {
      await app.stop();
    }
  });
});

/** A way to Redis that can be cut and mended. */
class Line {
  private readonly sockets = new Set<Socket>();
  private constructor(
    private server: Server,
    readonly port: number,
    private readonly target: URL,
  ) {}

  static async open(url: string): Promise<Line> {
    const target = new URL(url);
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const line = new Line(server, (server.address() as AddressInfo).port, target);
    line.forward();
    return line;
  }

  get url(): string {
    const url = new URL(this.target);
    url.hostname = '127.0.0.1';
    url.port = String(this.port);
    return url.href;
  }

  async cut(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  async mend(): Promise<void> {
    this.server = createServer();
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
    this.forward();
  }

  private forward(): void {
    this.server.on('connection', (near) => {
      const far = connect(Number(this.target.port), this.target.hostname);
      for (const socket of [near, far]) {
        this.sockets.add(socket);
        socket.on('error', () => undefined).on('close', () => this.sockets.delete(socket));
      }
      near.pipe(far).on('close', () => near.destroy());
      far.pipe(near).on('close', () => far.destroy());
    });
  }
}

describe.skipIf(TEST_REDIS_URL === undefined || !onServer)('two replicas with one Redis', () => {
  let storage: Storage;
  let line: Line;
  let replicas: TestApp[];
  beforeAll(async () => {
    storage = await createStorage();
    line = await Line.open(TEST_REDIS_URL!);
    const env = environment({ REDIS_URL: line.url });
    replicas = [await startApp(env, storage), await startApp(env, storage)];
    await asAdmin(replicas[0]!).post('/documents?wait=true', DOCUMENT);
  });
  afterAll(async () => {
    await Promise.all(replicas.map((app) => app.stop()));
    await line.cut();
    await storage.remove();
  });

  /** Clients of one key, one a replica. */
  async function clients(settings: Partial<CreateKeyDto>): Promise<ApiClient[]> {
    const { secret } = await makeKey(asAdmin(replicas[0]!), settings);
    return replicas.map((app) => withSecret(app, secret));
  }

  it('admit what one would: requests, tokens and requests in flight', async () => {
    const both = await clients({ rpm: 25, tpm: 0, concurrency: 0 });
    provider.default(ANSWER);
    const asked = await Promise.all(
      Array.from({ length: 60 }, (_, index) => both[index % 2]!.post('/search', { queries: ['keys'] })),
    );
    expect(asked.filter((reply) => reply.status === 200)).toHaveLength(25);

    const counted = await clients({ rpm: 0, tpm: 3_000, concurrency: 0 });
    const answered = await Promise.all(
      Array.from({ length: 60 }, (_, index) => counted[index % 2]!.post('/ask', ASK)),
    );
    const used = answered.filter((reply) => reply.status === 200).length * TOKENS;
    expect(used).toBeGreaterThan(0);
    expect(used).toBeLessThanOrEqual(3_000);

    const slow = await clients({ rpm: 0, tpm: 0, concurrency: 5 });
    provider.default(answer('word '.repeat(40), { delayMs: 20 }));
    const streams = await Promise.all(
      Array.from({ length: 20 }, (_, index) => slow[index % 2]!.openStream(ASK)),
    );
    expect(streams.filter((reply) => reply.status === 200)).toHaveLength(5);
    await Promise.all(streams.map((reply) => reply.text()));
  });

  it('go on by themselves while Redis refuses, too', async () => {
    const both = await clients({ rpm: 5, tpm: 0, concurrency: 0 });
    const [connection] = replicas;
    const redis = connection!.app.get(RedisConnection, { strict: false });
    // a hash where the set of requests is to be: WRONGTYPE
    const { body } = await asAdmin(connection!).get<{ keys: { id: string }[] }>('/keys');
    const key = `footnote:{limits}:requests:key:${body.keys[0]!.id}`;
    await redis.run((client) => client.hSet(key, 'a', '1'));
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, index) => both[index % 2]!.post('/search', { queries: ['keys'] })),
    );
    expect(replies.filter((reply) => reply.status === 200)).toHaveLength(10);
    expect(replies.filter((reply) => reply.status === 429)).toHaveLength(10);
    await redis.run((client) => client.del(key));
    expect((await both[0]!.post('/search', { queries: ['keys'] })).status).toBe(200);
  });

  it('go on by themselves while Redis is gone, and together again when it is back', async () => {
    const both = await clients({ rpm: 10, tpm: 0, concurrency: 0 });
    const askBoth = async (count: number): Promise<number> => {
      const replies = await Promise.all(
        Array.from({ length: count }, (_, index) => both[index % 2]!.post('/search', { queries: ['keys'] })),
      );
      for (const reply of replies) expect([200, 429]).toContain(reply.status);
      return replies.filter((reply) => reply.status === 200).length;
    };
    const countedIn = async (where: string): Promise<void> => {
      for (const app of replicas)
        await poll(`limits are counted in ${where}`, async () => {
          const { body } = await app.get<{ details: { limits: { counted_in: string } } }>('/health/ready');
          return body.details.limits.counted_in === where ? true : undefined;
        });
    };
    expect(await askBoth(6)).toBe(6);
    await line.cut();
    await countedIn('redis_unavailable');
    // each has the limit to itself
    expect(await askBoth(40)).toBe(20);
    await line.mend();
    await countedIn('redis');
    // Redis remembers the six
    expect(await askBoth(40)).toBe(4);
  });
});
