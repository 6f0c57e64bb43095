import { median, type Round } from './load.js';
import { type Machine, markdown } from './results.js';

/** A server under load. */
export interface Subject {
  name: string;
  url: string;
  isRight: (body: string) => boolean;
}

interface Summary {
  name: string;
  /** Medians of the rounds. */
  requestsPerSecond: number;
  p50: number;
  p99: number;
  errors: number;
  /** Of the floor's requests per second. */
  ratio: number;
  firstTokenP50: number;
  firstTokenP99: number;
  streamErrors: number;
  rounds: { ask: Round[]; stream: Round[] };
}

interface Conditions extends Machine {
  chunks: number;
  questions: number;
  connections: number;
  rounds: number;
  seconds: number;
  delayMs: number;
  database: string;
}

interface Results {
  conditions: Conditions;
  servers: Summary[];
}

/** @param rounds one entry a subject; the first subject is the floor */
export function summarise(
  subjects: readonly Subject[],
  rounds: readonly { ask: Round[]; stream: Round[] }[],
  conditions: Conditions,
): Results {
  const rates = rounds.map(({ ask }) => median(ask.map(({ requestsPerSecond }) => requestsPerSecond)));
  const servers = subjects.map(({ name }, index) => {
    const { ask, stream } = rounds[index] ?? { ask: [], stream: [] };
    return {
      name,
      requestsPerSecond: rates[index] ?? Number.NaN,
      p50: median(ask.map(({ p50 }) => p50)),
      p99: median(ask.map(({ p99 }) => p99)),
      errors: sum(ask.map(({ errors }) => errors)),
      ratio: (rates[index] ?? Number.NaN) / (rates[0] ?? Number.NaN),
      firstTokenP50: median(stream.map(({ p50 }) => p50)),
      firstTokenP99: median(stream.map(({ p99 }) => p99)),
      streamErrors: sum(stream.map(({ errors }) => errors)),
      rounds: { ask, stream },
    };
  });
  return { conditions, servers };
}

/** The results as Markdown. */
export function table({ conditions, servers }: Results): string {
  const { chunks, questions, connections, rounds, seconds, delayMs, database, node, cpu } = conditions;
  return [
    `/ask over ${chunks} chunks, ${questions} questions, ${connections} connections, ${rounds} × ${seconds} s, ` +
      `${delayMs} ms a token; ${database}; Node ${node}; ${cpu}`,
    '',
    markdown(
      'server,requests/s,p50 ms,p99 ms,errors,of the floor,/ask/stream first token p50 ms,p99 ms,errors'.split(
        ',',
      ),
      servers.map((server) => [
        server.name,
        server.requestsPerSecond.toFixed(0),
        server.p50.toFixed(1),
        server.p99.toFixed(1),
        server.errors,
        server.ratio.toFixed(2),
        server.firstTokenP50.toFixed(1),
        server.firstTokenP99.toFixed(1),
        server.streamErrors,
      ]),
    ),
  ].join('\n');
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
