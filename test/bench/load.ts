import { Agent, request } from 'node:http';
import autocannon, { type Request } from 'autocannon';

/** What one round of load came to. */
export interface Round {
  requestsPerSecond: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
  answered: number;
  /** Refused, failed or wrong answers. */
  errors: number;
}

/** A question, with no passage dropped for being unlike it: so every server reads and sends five. */
export function askBody(question: string): string {
  return JSON.stringify({ question, min_similarity: 0 });
}

/** Closed-loop load: every connection asks its next question when it has the answer to the one before. */
export async function askRound(
  url: string,
  questions: readonly string[],
  connections: number,
  seconds: number,
  isRight: (body: string) => boolean,
  more: Readonly<Record<string, string>> = {},
): Promise<Round> {
  const requests: Request[] = questions.map((question) => ({
    method: 'POST',
    path: '/ask',
    headers: { 'content-type': 'application/json', ...more },
    body: askBody(question),
  }));
  let connection = 0;
  const latencies: number[] = [];
  const run = autocannon({
    url,
    connections,
    duration: seconds,
    timeout: 30,
    requests,
    // each begins elsewhere, so that no two ask the same at the same time
    setupClient: (client) => {
      const offset = Math.floor((connection++ * requests.length) / connections);
      client.setRequests([...requests.slice(offset), ...requests.slice(0, offset)]);
    },
    verifyBody: isRight,
  });
  void run.on('response', (_client, _status, _bytes, milliseconds) => latencies.push(milliseconds));
  const result = await run;
  return {
    requestsPerSecond: result['2xx'] / result.duration,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    answered: result['2xx'],
    errors: result.errors + result.non2xx + result.mismatches,
  };
}

/** The same over `/ask/stream`; the latencies are those of the first token. */
export async function streamRound(
  url: string,
  questions: readonly string[],
  connections: number,
  seconds: number,
): Promise<Round> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const started = performance.now();
  const end = started + seconds * 1000;
  const latencies: number[] = [];
  let errors = 0;
  const client = async (offset: number): Promise<void> => {
    for (let index = offset; performance.now() < end; index++) {
      const latency = await firstToken(agent, url, questions[index % questions.length] ?? '');
      if (latency === undefined) errors++;
      else latencies.push(latency);
    }
  };
  const offsets = Array.from({ length: connections }, (_, index) =>
    Math.floor((index * questions.length) / connections),
  );
  await Promise.all(offsets.map(client));
  agent.destroy();
  return {
    requestsPerSecond: latencies.length / ((performance.now() - started) / 1000),
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    answered: latencies.length,
    errors,
  };
}

/** Milliseconds until the first `token` event; undefined when the stream does not have one or does not end. */
function firstToken(agent: Agent, url: string, question: string): Promise<number | undefined> {
  const started = performance.now();
  return new Promise((resolve) => {
    let found: number | undefined;
    const outgoing = request(
      `${url}/ask/stream`,
      { method: 'POST', agent, headers: { 'content-type': 'application/json' } },
      (response) => {
        response.setEncoding('utf8');
        response.on('data', (text: string) => {
          if (found === undefined && text.includes('event: token')) found = performance.now() - started;
        });
        response.once('end', () => resolve(found));
        response.once('error', () => resolve(undefined));
      },
    );
    outgoing.once('error', () => resolve(undefined));
    outgoing.end(askBody(question));
  });
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}
