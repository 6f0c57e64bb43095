// Real: HTTP, database, the providers' SDKs, retries, fallbacks, timeouts, prices, budgets and the ledger. The providers
// are a stand-in on a loopback port that speaks their wire protocols and keeps its own books of what it has served.
import { setTimeout as wait } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countTokens } from '../src/common/index.js';
import { startApp, type TestApp } from './support/app.js';
import {
  answer,
  type Behaviour,
  FakeProvider,
  hangBeforeHeaders,
  interrupted,
  resetBeforeHeaders,
  status,
} from './support/fake-providers/index.js';

const CLAUDE = 'anthropic/claude-sonnet-5';
const GPT = 'openai/gpt-4o-mini';
/** Dollars per million tokens. */
const PRICES = {
  [CLAUDE]: { input_mtok: 3, output_mtok: 15, cache_read_mtok: 0.3, cache_write_mtok: 3.75 },
  [GPT]: { input_mtok: 0.15, output_mtok: 0.6, cache_read_mtok: 0.075 },
};
const WORDS = 12;
/** A word of it is a token for the service's tokenizer as it is for the stand-in. */
const TEXT = Array.from({ length: WORDS }, () => 'word').join(' ');

/** What the provider does with one attempt. */
type Step =
  | { does: 'answer' | 'no usage' | 'refuse' | 'fail' | 'reset' | 'garbage' }
  | { does: 'cut' | 'stall' | 'error' | 'end'; after: number };
interface Script {
  model: string;
  streamed: boolean;
  /** One attempt each; after the last, the provider answers. */
  steps: Step[];
  /** The caller leaves after so many tokens (0: before any), which is where the provider then stops; null: stays. */
  leavesAfter: number | null;
}

const after = fc.integer({ min: 0, max: WORDS - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ does: fc.constantFrom('answer', 'no usage', 'refuse', 'fail', 'reset', 'garbage') }),
  fc.record({ does: fc.constantFrom('cut', 'stall', 'error', 'end'), after }),
);
const script: fc.Arbitrary<Script> = fc.record({
  model: fc.constantFrom(CLAUDE, GPT),
  streamed: fc.boolean(),
  steps: fc.array(step, { maxLength: 3 }),
  leavesAfter: fc.option(after, { freq: 3 }),
});

let provider: FakeProvider;
let app: TestApp;
beforeAll(async () => {
  provider = await FakeProvider.start();
  app = await startApp({
    LLM_MODELS: `${CLAUDE},${GPT}`,
    ANTHROPIC_API_KEY: 'k',
    ANTHROPIC_BASE_URL: provider.anthropicBaseUrl,
    OPENAI_API_KEY: 'k',
    OPENAI_BASE_URL: provider.openaiBaseUrl,
    MODEL_PRICES: JSON.stringify(PRICES),
    LLM_MAX_RETRIES: '1',
    LLM_BREAKER_FAILURES: '0',
    LLM_FIRST_TOKEN_TIMEOUT_MS: '1500',
    LLM_STALL_TIMEOUT_MS: '1500',
    BUDGET_DAILY_USD: '1000',
  });
  await app.addDocument({ title: 'Words', text: 'The word of the day is word.' });
});
afterAll(async () => {
  await app.stop();
  await provider.stop();
});

/** The prompt's tokens by OpenAI's rules, from what came over the wire: what a call that broke off is billed there. */
function promptTokens(body: Record<string, unknown>): number {
  const messages = (body['messages'] ?? []) as { content: unknown }[];
  return messages.reduce(
    (sum, { content }) =>
      sum + 4 + countTokens(typeof content === 'string' ? content : JSON.stringify(content)),
    0,
  );
}

function behaviour(step: Step, inputTokens: number): Behaviour {
  const usage = { inputTokens };
  switch (step.does) {
    case 'answer':
      return answer(TEXT, { usage });
    case 'no usage':
      return answer(TEXT, { usage, hidesUsage: true });
    case 'refuse':
      return status(400);
    case 'fail':
      return status(529, { 'retry-after-ms': '1' });
    case 'reset':
      return resetBeforeHeaders();
    case 'garbage':
      return interrupted(TEXT, 'garbage', 0, { usage });
    case 'cut':
    case 'stall':
    case 'error':
    case 'end':
      return interrupted(TEXT, step.does, step.after, { usage });
    default:
      return step satisfies never;
  }
}

/** Plays the scripts, each recognised by its question, and lets their callers leave when they shall. */
async function play(scripts: readonly Script[]): Promise<void> {
  const attempts = new Map<number, number>();
  provider.default(({ body }) => {
    const index = Number(/script (\d+)/.exec(JSON.stringify(body))?.[1]);
    const number = attempts.get(index) ?? 0;
    attempts.set(index, number + 1);
    const { steps, leavesAfter } = scripts[index]!;
    const inputTokens = promptTokens(body);
    if (number < steps.length) return behaviour(steps[number]!, inputTokens);
    if (leavesAfter === 0) return hangBeforeHeaders();
    if (leavesAfter !== null) return interrupted(TEXT, 'stall', leavesAfter, { usage: { inputTokens } });
    return answer(TEXT, { usage: { inputTokens } });
  });
  await Promise.all(scripts.map((one, index) => ask(one, index)));
  await provider.settled(10_000);
}

async function ask({ model, streamed, leavesAfter }: Script, index: number): Promise<void> {
  const leaver = new AbortController();
  const body = { question: `What is the word of script ${index}?`, model };
  const isThere = (): boolean =>
    provider.requests.some(
      ({ billed, body: sent }) =>
        JSON.stringify(sent).includes(`script ${index}?`) && billed.outputTokens >= (leavesAfter ?? Infinity),
    );
  try {
    const path = streamed ? '/ask/stream' : '/ask';
    const asked = app
      .fetch(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: leaver.signal,
      })
      .then((response) => response.text());
    const over = asked.then(
      () => 'over',
      () => 'over',
    );
    if (leavesAfter !== null) {
      // what was sent has been read long before the stall is over
      while ((await Promise.race([over, wait(5)])) !== 'over' && !isThere());
      await wait(150);
      leaver.abort();
    }
    await over;
  } catch {
    // a caller that left
  }
}

/** Trillionths of a dollar that the stand-in charges for all it has served. */
function charged(): bigint {
  let sum = 0n;
  for (const { path, billed } of provider.requests) {
    const isClaude = path === '/v1/messages';
    const price = PRICES[isClaude ? CLAUDE : GPT];
    // Anthropic's streams open with a count of one output token
    const outputTokens = Math.max(billed.outputTokens, isClaude && billed.inputTokens > 0 ? 1 : 0);
    sum += BigInt(billed.inputTokens) * BigInt(Math.round(price.input_mtok * 1e6));
    sum += BigInt(outputTokens) * BigInt(Math.round(price.output_mtok * 1e6));
  }
  return sum;
}

const SUMS = `
  SELECT (SELECT coalesce(sum(cost_usd * 1e12), 0)::bigint::text FROM llm_calls) AS ledger,
         (SELECT coalesce(sum(spent_usd * 1e12), 0)::bigint::text FROM budgets) AS spent,
         (SELECT count(*)::int FROM budget_reservations) AS held,
         (SELECT count(*)::int FROM llm_calls WHERE operation = 'answer') AS calls`;
const sums = async () =>
  (await app.sql<{ ledger: string; spent: string; held: number; calls: number }>(SUMS))[0]!;

describe('the bill', () => {
  it('is what the providers served at their prices, for any interleaving of answers, failures, timeouts and leavers', async () => {
    expect(countTokens(TEXT)).toBe(WORDS);
    await fc.assert(
      fc.asyncProperty(fc.array(script, { minLength: 1, maxLength: 10 }), async (scripts) => {
        provider.reset();
        const before = await sums();
        await play(scripts);
        await expect.poll(async () => (await sums()).held, { timeout: 10_000 }).toBe(0);
        const isComplete = async (): Promise<boolean> =>
          (await sums()).calls - before.calls === provider.requests.length;
        await expect.poll(isComplete, { timeout: 10_000 }).toBe(true);
        const now = await sums();
        expect(BigInt(now.ledger) - BigInt(before.ledger)).toBe(charged());
        expect(now.spent).toBe(now.ledger);
      }),
      { numRuns: 15, endOnFailure: true },
    );
  }, 240_000);
});
