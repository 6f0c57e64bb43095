import type { SearchHitDto, SearchResponseDto } from '../../src/ask/dto/search.dto.js';

interface Load {
  url: string;
  questions: readonly string[];
  /** What each search asks for beside its question. */
  options: object;
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
  const { url, questions, options, connections } = load;
  const latencies: number[] = [];
  const started = performance.now();
  const client = async (offset: number): Promise<void> => {
    for (let index = offset; !signal.aborted; index++) {
      const sent = performance.now();
      const found = await search(url, { queries: [questions[index % questions.length]], ...options });
      if (found.length === 0) throw new Error('a search found nothing');
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

/** What the first query of a search finds, however unlike it is. */
export async function search(url: string, request: object): Promise<SearchHitDto[]> {
  const response = await fetch(`${url}/search`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ min_similarity: 0, ...request }),
  });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`POST /search answered ${response.status}: ${text}`);
  return (JSON.parse(text) as SearchResponseDto).results[0]?.hits ?? [];
}
