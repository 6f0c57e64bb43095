// Real: HTTP, database, search, the providers' SDKs, retries, prices and the ledger. The providers are a stand-in on a
// loopback port that fails in every way. What comes out is the table in README.md.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ERROR_CATALOGUE } from '../src/common/errors/app-error.js';
import { countTokens } from '../src/common/text/index.js';
import { Tabs } from '../src/costs/index.js';
import { expectProblem, type LedgerRow, startApp, type TestApp } from './support/app.js';
import { answer, type Behaviour, FakeProvider, type FakeUsage } from './support/fake-providers/index.js';
import {
  ANSWER_TEXT,
  ask,
  BEGINNING,
  describeBill,
  type Dialect,
  DIALECTS,
  Door,
  type Fault,
  FAULTS,
  FREQUENCIES,
  type Frequency,
  type Outcome,
  type ProviderName,
  PROVIDERS,
  renderFaultTable,
  RETRY_AFTER_S,
  type Said,
} from './support/fault-table.js';
import { expectReadmeTable } from './support/readme-table.js';

const MODELS = { Anthropic: 'anthropic/claude-sonnet-5', OpenAI: 'openai/gpt-4o-mini' } as const;
/** Dollars per million tokens. */
const PRICES = {
  [MODELS.Anthropic]: { input_mtok: 3, output_mtok: 15 },
  [MODELS.OpenAI]: { input_mtok: 0.15, output_mtok: 0.6 },
};
/** Of the stand-in's own words, the keys, the question and the prompt. */
const LEAK = /secret|sk-|hunter2|You answer questions/;

/** One ask, as it was seen from all sides. */
interface Case {
  provider: ProviderName;
  dialect: Dialect;
  fault: Fault;
  frequency: Frequency;
  /** What the stand-in has done with each attempt that reached it. */
  played: { behaviour: Behaviour; billed: FakeUsage; startedAt: number }[];
  /** Connections that were refused. */
  refusals: number;
  /** By which the ledger knows it. */
  requestId: string;
  said: Said | undefined;
  rows: LedgerRow[];
}

/** One provider: an application that has only its model, and the way to it. */
class Lane {
  readonly cases: Case[] = [];
  private onAsk: (id: string) => void = () => {};

  private constructor(
    private readonly provider: ProviderName,
    private readonly app: TestApp,
    private readonly fake: FakeProvider,
    private readonly door: Door,
  ) {
    fake.default((exchange) => {
      const [, index] = /case (\d+)\b/.exec(JSON.stringify(exchange.body)) ?? [];
      const { played, frequency, fault } = this.cases[Number(index)]!;
      const isFaulty = frequency === 'always' || played.length === 0;
      const behaviour = (isFaulty ? fault.behaviour : undefined) ?? answer(ANSWER_TEXT);
      played.push({ behaviour, billed: exchange.billed, startedAt: exchange.startedAt });
      return behaviour;
    });
    // an ask that fails does not tell its caller the id that the ledger knows it by
    const tabs = app.app.get(Tabs);
    const openTab = tabs.openTab.bind(tabs);
    vi.spyOn(tabs, 'openTab').mockImplementation((id, ...rest) => {
      this.onAsk(id);
      return openTab(id, ...rest);
    });
  }

  static async start(provider: ProviderName): Promise<Lane> {
    const fake = await FakeProvider.start();
    const door = new Door(Number(new URL(fake.anthropicBaseUrl).port));
    await door.open();
    const url = `http://127.0.0.1:${door.port}`;
    const app = await startApp({
      LLM_MODELS: MODELS[provider],
      ANTHROPIC_API_KEY: 'sk-ant-very-secret-key',
      ANTHROPIC_BASE_URL: url,
      OPENAI_API_KEY: 'sk-very-secret-key',
      OPENAI_BASE_URL: `${url}/v1`,
      MODEL_PRICES: JSON.stringify(PRICES),
      LLM_MAX_RETRIES: '2',
      LLM_TIMEOUT_MS: '60000',
      LLM_BREAKER_FAILURES: '0',
      // short enough to wait for, long enough for a busy machine
      LLM_FIRST_TOKEN_TIMEOUT_MS: '2500',
      LLM_STALL_TIMEOUT_MS: '2500',
    });
    await app.addDocument({ title: 'Key rotation', text: 'API keys are rotated every 90 days.' });
    return new Lane(provider, app, fake, door);
  }

  async stop(): Promise<void> {
    await this.app.stop();
    await this.door.shut();
    await this.fake.stop();
  }

  /** Asks for each fault, dialect and frequency: all at once, and one by one where nobody may listen. */
  async run(): Promise<void> {
    const combinations = FAULTS.flatMap((fault) =>
      DIALECTS.flatMap((dialect) => FREQUENCIES.map((frequency) => ({ fault, dialect, frequency }))),
    );
    const ended: Promise<void>[] = [];
    for (const one of combinations.filter(({ fault }) => fault.behaviour !== undefined))
      ended.push((await this.begin(one)).ended);
    await Promise.all(ended);
    for (const one of combinations.filter(({ fault }) => fault.behaviour === undefined))
      await this.askInVain(one);
    const ledger = await this.app.ledger();
    for (const one of this.cases)
      one.rows = ledger.filter((row) => row.request_id === one.requestId && row.operation === 'answer');
  }

  /** Asks, and returns once the ask has begun, so that the next one's id cannot be taken for this one's. */
  private async begin(
    combination: Pick<Case, 'fault' | 'dialect' | 'frequency'>,
  ): Promise<{ one: Case; ended: Promise<void> }> {
    const { provider } = this;
    const one: Case = {
      ...combination,
      provider,
      played: [],
      refusals: 0,
      requestId: '',
      said: undefined,
      rows: [],
    };
    const question = `How often are API keys rotated in case ${this.cases.push(one) - 1}? The password is hunter2.`;
    const begun = new Promise<string>((resolve) => (this.onAsk = resolve));
    const ended = ask(this.app, one.dialect, question).then((said) => void (one.said = said));
    one.requestId = await begun;
    return { one, ended };
  }

  /** Asks while nobody listens; for a fault that happens once, somebody does as soon as one connection was refused. */
  private async askInVain(combination: Pick<Case, 'fault' | 'dialect' | 'frequency'>): Promise<void> {
    await this.door.shut();
    let refusals = 0;
    let opened: Promise<void> | undefined;
    const onRefused = (message: unknown): void => {
      const { connectParams } = message as { connectParams: { port: string } };
      if (Number(connectParams.port) !== this.door.port) return;
      refusals++;
      if (combination.frequency === 'once') opened ??= this.door.open();
    };
    subscribe('undici:client:connectError', onRefused);
    const { one, ended } = await this.begin(combination);
    await ended;
    unsubscribe('undici:client:connectError', onRefused);
    one.refusals = refusals;
    await (opened ?? this.door.open());
  }
}

/** What the ledger must hold of a call; undefined input: the provider has not said, so that it is counted here. */
function dueOf(provider: ProviderName, call: Case['played'][number] | undefined) {
  const behaviour = call?.behaviour;
  const isAccepted = behaviour?.kind === 'garbage' || (behaviour?.kind === 'hang' && behaviour.headers);
  if (isAccepted) return { input: undefined, output: 0, estimated: true };
  if (call === undefined || behaviour?.kind !== 'answer') return { input: 0, output: 0, estimated: false };
  const { inputTokens, outputTokens } = call.billed;
  const isComplete = behaviour.interruption === undefined && behaviour.usage !== 'missing';
  // OpenAI's counts come at the end or not at all
  if (provider === 'OpenAI')
    return { input: isComplete ? inputTokens : undefined, output: outputTokens, estimated: !isComplete };
  // Anthropic's come at the beginning too, with one token of output, and at the end
  return {
    input: inputTokens,
    output: Math.max(outputTokens, 1),
    estimated: !isComplete && outputTokens > 1,
  };
}

function expectBill({ provider, played, refusals, rows, said }: Case): void {
  const price = PRICES[MODELS[provider]];
  const calls = [...Array.from({ length: refusals }, () => undefined), ...played];
  expect(rows).toHaveLength(calls.length);
  for (const [index, row] of rows.entries()) {
    const due = dueOf(provider, calls[index]);
    expect(row).toMatchObject({
      attempt: index + 1,
      model: MODELS[provider],
      output_tokens: due.output,
      cache_read_tokens: 0,
      cache_write_tokens: 0,
      estimated: due.estimated,
    });
    if (due.input === undefined) expect(row.input_tokens).toBeGreaterThan(50);
    else expect(row.input_tokens).toBe(due.input);
    const micros = (due.input ?? row.input_tokens) * price.input_mtok + due.output * price.output_mtok;
    expect(row.cost_usd).toBe((micros / 1e6).toFixed(12));
  }
  if (said?.done === undefined) return;
  const cost = rows.reduce((sum, row) => sum + Number(row.cost_usd), 0);
  expect(said.done.cost_usd).toBeCloseTo(cost, 12);
  expect(said.done.attempts).toBe(rows.length);
}

/** Checks everything about one ask. */
function expectCase(one: Case): void {
  const { fault, dialect, frequency, played, refusals, rows } = one;
  const { code, isBegun = false, calls } = fault[frequency];
  const said = one.said!;
  expect(said.raw).not.toMatch(LEAK);
  expect(said.error?.code).toBe(code);
  expect(said.done === undefined).toBe(code !== undefined);
  if (code === undefined) expect(said.text).toBe(ANSWER_TEXT);
  // JSON is an answer or an error, never half an answer
  else expect(said.text).toBe(isBegun && dialect === 'SSE' ? BEGINNING : '');
  if (said.reply !== undefined) {
    if (code === undefined) expect(said.reply.status).toBe(200);
    else expectProblem(said.reply, ERROR_CATALOGUE[code].status, code);
  }
  expect(played.length + refusals).toBe(calls);
  const failed = Array.from({ length: calls - 1 }, () => 'failed');
  const last = code === undefined ? 'ok' : isBegun ? 'cut' : 'failed';
  expect(rows.map(({ outcome }) => outcome)).toEqual([...failed, last]);
  expectBill(one);
}

function outcomeOf({ provider, dialect, said, played, refusals, rows }: Case): Outcome {
  return { provider, dialect, said: said!, calls: played.length + refusals, bill: describeBill(rows) };
}

let lanes: Lane[] = [];
const casesOf = (fault: Fault): Case[] =>
  lanes.flatMap(({ cases }) => cases.filter((one) => one.fault === fault));
beforeAll(async () => {
  lanes = await Promise.all(PROVIDERS.map((provider) => Lane.start(provider)));
  await Promise.all(lanes.map((lane) => lane.run()));
  // some hundred asks on two embedded databases
}, 120_000);
afterAll(() => Promise.all(lanes.map((lane) => lane.stop())));

describe('when a provider fails', () => {
  it('counts as the stand-in does', () => {
    for (const text of [ANSWER_TEXT, BEGINNING]) expect(countTokens(text)).toBe(text.split(' ').length);
  });

  it.each(FAULTS)('$name', (fault) => {
    expect(casesOf(fault)).toHaveLength(PROVIDERS.length * DIALECTS.length * FREQUENCIES.length);
    for (const one of casesOf(fault)) {
      try {
        expectCase(one);
      } catch (error) {
        throw new Error(`${one.provider}, ${one.dialect}, ${one.frequency}`, { cause: error });
      }
    }
  });

  it('waits as long as the provider asks for, and passes that on', () => {
    const cases = casesOf(FAULTS.find(({ name }) => name.includes('Retry-After'))!);
    for (const { played, said, frequency } of cases) {
      for (const [index, { startedAt }] of played.slice(1).entries())
        expect(startedAt - played[index]!.startedAt).toBeGreaterThanOrEqual(RETRY_AFTER_S * 1000 - 1);
      if (frequency === 'always' && said?.reply !== undefined)
        expect(said.reply.headers.get('retry-after')).toBe(String(RETRY_AFTER_S));
    }
  });

  it('comes out as README.md says', async () => {
    const table = renderFaultTable(
      FAULTS.map((fault) => {
        const outcomes = (frequency: Frequency) =>
          casesOf(fault)
            .filter((one) => one.frequency === frequency)
            .map(outcomeOf);
        return { fault: fault.name, once: outcomes('once'), always: outcomes('always') };
      }),
    );
    await expectReadmeTable('fault table', table, process.env['UPDATE_FAULT_TABLE'] !== undefined);
  });
});
