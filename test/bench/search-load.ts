import type { SearchResponseDto } from '../../src/ask/dto/search.dto.js';

interface Load {
  url: string;
  questions: readonly string[];
  collections: readonly string[];
  /** Searches at once. */
  connections: number;
}

export interface Searches {
  /** Milliseconds each, without those that the end interrupted. */
  latencies: number[];
  seconds: number;
}

/** Closed-loop load of `POST /search` until the signal. @throws when a search fails or finds nothing */
export async function searchUntil(load: Load, signal: AbortSignal): Promise<Searches> {
  const { questions, connections } = load;
  const latencies: number[] = [];
  const started = performance.now();
  const client = async (offset: number): Promise<void> => {
    for (let index = offset; !signal.aborted; index++) {
      const sent = performance.now();
      const found = await search(load, questions[index % questions.length] ?? '');
      if (found === 0) throw new Error('a search found nothing');
      if (!signal.aborted) latencies.push(performance.now() - sent);
    }
  };
  await Promise.all(
    Array.from({ length: connections }, (_, index) =>
      client(Math.floor((index * questions.length) / connections)),
    ),
  );
  return { latencies, seconds: (performance.now() - started) / 1000 };
}

async function search({ url, collections }: Load, question: string): Promise<number> {
  const response = await fetch(`${url}/search`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ queries: [question], collections, min_similarity: 0 }),
  });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`POST /search answered ${response.status}: ${text}`);
  return (JSON.parse(text) as SearchResponseDto).results[0]?.hits.length ?? 0;
}
