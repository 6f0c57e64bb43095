import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { AnswerDto, DoneDto } from '../../src/ask/dto/answer.dto.js';
import type { ErrorCode } from '../../src/common/errors/app-error.js';
import type { Problem } from '../../src/common/errors/problem.js';
import type { LedgerRow, Reply, TestApp } from './app.js';
import {
  answer,
  type Behaviour,
  garbageJson,
  garbageSse,
  hangAfterHeaders,
  hangBeforeHeaders,
  interrupted,
  resetBeforeHeaders,
  status,
} from './fake-providers/index.js';
import { markdownTable } from './readme-table.js';

export const PROVIDERS = ['Anthropic', 'OpenAI'] as const;
export type ProviderName = (typeof PROVIDERS)[number];
export const DIALECTS = ['JSON', 'SSE'] as const;
export type Dialect = (typeof DIALECTS)[number];
export const FREQUENCIES = ['once', 'always'] as const;
/** Whether a fault happens to the first attempt only, or to all. */
export type Frequency = (typeof FREQUENCIES)[number];

/** How an ask must end: with the answer, or with an error, perhaps after the beginning of the answer. */
export interface End {
  code?: ErrorCode;
  isBegun?: boolean;
  /** Attempts at the provider. */
  calls: number;
}

export interface Fault extends Record<Frequency, End> {
  name: string;
  /** Undefined: nobody listens where the provider should be. */
  behaviour: Behaviour | undefined;
}

/** Each word is one token of `o200k_base`, so that what is counted here is what the stand-in counts. */
export const ANSWER_TEXT = 'Keys live for ninety days and then they must go';
/** What has come of it when a fault happens in the middle. */
export const BEGINNING = 'Keys live for';
export const RETRY_AFTER_S = 1;

const retried = (code: ErrorCode) => ({ once: { calls: 2 }, always: { code, calls: 3 } });
const final = (code: ErrorCode) => {
  const end = { code, isBegun: true, calls: 1 };
  return { once: end, always: end };
};
const harmless = { once: { calls: 1 }, always: { calls: 1 } };
const midway = (how: 'stall' | 'cut' | 'garbage' | 'error') => interrupted(ANSWER_TEXT, how, 3);
const unavailable = retried('PROVIDER_UNAVAILABLE');
const unusable = retried('PROVIDER_ERROR');
const late = retried('PROVIDER_TIMEOUT');
const retryAfter = { 'retry-after': String(RETRY_AFTER_S) };

/** The rows of the table, with what must come out. */
export const FAULTS: readonly Fault[] = [
  { name: '429', behaviour: status(429), ...unavailable },
  { name: '429 with `Retry-After`', behaviour: status(429, retryAfter), ...unavailable },
  { name: '500', behaviour: status(500), ...unusable },
  { name: '503', behaviour: status(503), ...unavailable },
  { name: '529', behaviour: status(529), ...unavailable },
  { name: 'connection refused', behaviour: undefined, ...unavailable },
  { name: 'connection reset', behaviour: resetBeforeHeaders(), ...unavailable },
  { name: 'hang before the headers', behaviour: hangBeforeHeaders(), ...late },
  { name: 'hang after the headers', behaviour: hangAfterHeaders(), ...late },
  { name: 'garbage JSON', behaviour: garbageJson(), ...unusable },
  { name: 'garbage SSE', behaviour: garbageSse(), ...unusable },
  { name: '`error` before the first token', behaviour: interrupted(ANSWER_TEXT, 'error', 0), ...unavailable },
  { name: '`error` after 3 tokens', behaviour: midway('error'), ...final('PROVIDER_UNAVAILABLE') },
  { name: 'garbage after 3 tokens', behaviour: midway('garbage'), ...final('PROVIDER_ERROR') },
  { name: 'cut after 3 tokens', behaviour: midway('cut'), ...final('PROVIDER_UNAVAILABLE') },
  { name: 'stall after 3 tokens', behaviour: midway('stall'), ...final('PROVIDER_TIMEOUT') },
  // all of it takes longer than the timeouts between tokens
  { name: 'slow drip', behaviour: answer(ANSWER_TEXT, { delayMs: 300 }), ...harmless },
  { name: 'usage missing', behaviour: answer(ANSWER_TEXT, { usage: 'missing' }), ...harmless },
];

/** What the caller got. */
export interface Said {
  /** All of it. */
  raw: string;
  /** The answer, as far as it came. */
  text: string;
  done: Pick<DoneDto, 'attempts' | 'cost_usd'> | undefined;
  error: Problem | undefined;
  /** Of `/ask`. */
  reply?: Reply;
}

/** Asks in one of the dialects. */
export async function ask(app: TestApp, dialect: Dialect, question: string): Promise<Said> {
  if (dialect === 'SSE') {
    const { text, done, error, events, headers } = await app.askStream(question);
    return { raw: JSON.stringify([...headers, events]), text, done, error };
  }
  const reply = await app.post<AnswerDto | Problem>('/ask', { question });
  const raw = JSON.stringify([...reply.headers, reply.body]);
  const { body } = reply;
  return 'answer' in body
    ? { raw, text: body.answer, done: body, error: undefined, reply }
    : { raw, text: '', done: undefined, error: body, reply };
}

/** What one ask came to. */
export interface Outcome {
  provider: ProviderName;
  dialect: Dialect;
  said: Said;
  /** Attempts at the provider, refused connections included. */
  calls: number;
  /** What the ledger holds for them. */
  bill: string;
}

export interface FaultRow extends Record<Frequency, Outcome[]> {
  fault: string;
}

/** The table as Markdown. */
export function renderFaultTable(rows: readonly FaultRow[]): string {
  const head = ['fault', 'once', 'calls', 'billed', 'every time', 'calls', 'billed'];
  const body = rows.map(({ fault, once, always }) => [fault, ...cellsOf(once), ...cellsOf(always)]);
  return markdownTable(head, body);
}

/** What the ledger holds for the attempts of one ask: `≈` marks counts that were made here. */
export function describeBill(rows: readonly LedgerRow[]): string {
  const items = rows.map(describeCall).filter((item) => item !== '');
  const texts = [...new Set(items)].map((item) => {
    const count = items.filter((other) => other === item).length;
    return count === 1 ? item : `${count} × ${item.includes('+') ? `(${item})` : item}`;
  });
  return texts.join(', ') || 'nothing';
}

function describeCall({ outcome, input_tokens, output_tokens, estimated }: LedgerRow): string {
  if (input_tokens + output_tokens === 0) return '';
  const tokens = output_tokens === 0 ? '' : ` + ${output_tokens} token${output_tokens === 1 ? '' : 's'}`;
  return `${outcome === 'ok' ? 'answer' : `prompt${tokens}`}${estimated ? ' ≈' : ''}`;
}

function describeEnd({ said: { error } }: Outcome): string {
  return error === undefined ? 'answer' : `${error.status} \`${error.code}\``;
}

/** `†`: the caller of a stream had read the beginning of the answer. */
function cellsOf(outcomes: readonly Outcome[]): string[] {
  const isBegun = outcomes.some(({ said }) => said.error !== undefined && said.text !== '');
  return [
    `${merged(outcomes, describeEnd)}${isBegun ? ' †' : ''}`,
    merged(outcomes, ({ calls }) => String(calls)),
    merged(outcomes, ({ bill }) => bill),
  ];
}

/** One text where all outcomes agree, else one for each provider or dialect, else for each pair of them. */
function merged(outcomes: readonly Outcome[], textOf: (outcome: Outcome) => string): string {
  const labels: ((outcome: Outcome) => string)[] = [
    () => '',
    ({ provider }) => `${provider}: `,
    ({ dialect }) => `${dialect}: `,
    ({ provider, dialect }) => `${provider}, ${dialect}: `,
  ];
  for (const labelOf of labels) {
    const texts = new Set(outcomes.map((outcome) => labelOf(outcome) + textOf(outcome)));
    if (texts.size === new Set(outcomes.map(labelOf)).size) return [...texts].join('; ');
  }
  throw new Error('there are two outcomes of one provider and dialect');
}

/** A TCP port in front of the stand-in. While it is shut, connecting to it is refused. */
export class Door {
  readonly #open = new Set<Socket>();
  readonly #server = createServer((client) => {
    const upstream = connect(this.target, '127.0.0.1');
    client.pipe(upstream).pipe(client);
    this.#join(client, upstream);
    this.#join(upstream, client);
  });
  port = 0;

  constructor(private readonly target: number) {}

  async open(): Promise<void> {
    this.#server.listen(this.port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.port = (this.#server.address() as AddressInfo).port;
  }

  async shut(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#open) socket.destroy();
    await closed;
  }

  #join(one: Socket, other: Socket): void {
    this.#open.add(one);
    one.on('error', () => other.destroy());
    one.on('close', () => {
      this.#open.delete(one);
      other.destroySoon();
    });
  }
}
