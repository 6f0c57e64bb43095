// Process: the floor. A bare node:http server that does only the work that cannot be left out of an answer: the same
// embedding, the same statements on the same database, the same call to the provider. It validates nothing, limits
// nothing, records nothing, cites nothing and forgives no failure.
import { Agent, createServer, type IncomingMessage, request as send } from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Pool, type QueryResultRow } from 'pg';
import type { Candidate, SearchScope } from '../../src/retrieval/candidate.js';
import type { SearchHit } from '../../src/retrieval/hit-reader.js';
import type { FloorSettings } from './settings.js';
import { serve, settings } from './worker.js';

const { dist, database, providerUrl } = settings() as FloorSettings;
const CANDIDATES = 100;
const TOP_K = 5;
/** The embedded server takes few connections, and serves one at a time anyway. */
const POOL_SIZE = 'url' in database ? 16 : 2;

type Vectors = typeof import('../../src/embeddings/vector-storage.js');
type LexicalHash = typeof import('../../src/embeddings/providers/lexical-hash.provider.js');
type Dense = typeof import('../../src/retrieval/dense-index.js');
type Postings = typeof import('../../src/retrieval/postings-keyword-index.js');
type Textsearch = typeof import('../../src/retrieval/textsearch-keyword-index.js');
type Fusion = typeof import('../../src/retrieval/fusion.js');
type Reading = typeof import('../../src/retrieval/hit-reader.js');
type Sessions = typeof import('../../src/database/session-settings.js');

/** The compiled module, so that floor and Footnote run the same statements whatever becomes of them. */
async function compiled<T>(file: string): Promise<T> {
  return (await import(pathToFileURL(join(dist, file)).href)) as T;
}

await import('reflect-metadata');
const { LexicalHashEmbeddingModel } = await compiled<LexicalHash>(
  'embeddings/providers/lexical-hash.provider.js',
);
const { toVectorParameter } = await compiled<Vectors>('embeddings/vector-storage.js');
const { DenseIndex } = await compiled<Dense>('retrieval/dense-index.js');
const { PostingsKeywordIndex } = await compiled<Postings>('retrieval/postings-keyword-index.js');
const { TextsearchKeywordIndex } = await compiled<Textsearch>('retrieval/textsearch-keyword-index.js');
const { fuse } = await compiled<Fusion>('retrieval/fusion.js');
const { HitReader } = await compiled<Reading>('retrieval/hit-reader.js');
const { SESSION_SETTINGS } = await compiled<Sessions>('database/session-settings.js');

const pool = new Pool({
  max: POOL_SIZE,
  ...('url' in database
    ? {
        connectionString: database.url,
        options: Object.entries(SESSION_SETTINGS)
          .map(([name, value]) => `-c ${name}=${value}`)
          .join(' '),
      }
    : { host: database.socketFolder, user: 'postgres', database: 'postgres' }),
});
const runner = {
  query: async <Row extends QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]> =>
    (await pool.query<Row>(text, values as unknown[])).rows,
};
/** The searches use nothing of the class but `query`. */
type Database = ConstructorParameters<Dense['DenseIndex']>[0];
const embeddings = new LexicalHashEmbeddingModel();
const dense = new DenseIndex(runner as Database);
const reader = new HitReader(runner as Database);
const [{ textsearch } = { textsearch: false }] = await runner.query<{ textsearch: boolean }>(
  "SELECT EXISTS (SELECT FROM pg_indexes WHERE indexname = 'chunks_bm25_idx') AS textsearch",
);
const keywords = textsearch
  ? new TextsearchKeywordIndex(runner as Database)
  : new PostingsKeywordIndex(runner as Database);
const [space] = await runner.query<
  Pick<SearchScope, 'collectionId' | 'spaceId' | 'language' | 'chunkCount' | 'allChunks'>
>(
  `SELECT c.id AS "collectionId", s.id AS "spaceId", c.language, c.chunk_count::float8 AS "chunkCount",
          c.chunk_count::float8 AS "allChunks"
   FROM embedding_spaces s JOIN collections c ON c.id = s.collection_id WHERE s.active LIMIT 1`,
);
if (space === undefined) throw new Error('there is nothing to search');

const signal = new AbortController().signal;

async function search(query: string): Promise<SearchHit[]> {
  const { vectors } = await embeddings.embed([query], 'query', signal);
  const vector = vectors[0] ?? new Float32Array();
  const scope: SearchScope = {
    ...space!,
    query,
    vector,
    vectorParameter: toVectorParameter([vector]),
    filter: undefined,
    labels: undefined,
    hasHiddenChunks: false,
    isIndexed: embeddings.traits.findsBeyondKeywords,
  };
  const [near, matching]: [Candidate[], Candidate[]] = await Promise.all([
    // Footnote leaves this search out for a model that finds nothing beyond what the keywords do
    embeddings.traits.findsBeyondKeywords ? dense.search(scope, CANDIDATES) : [],
    keywords.search(scope, CANDIDATES),
  ]);
  const { findsBeyondKeywords, keywordWeight } = embeddings.traits;
  const { hits } = await reader.read([query], fuse([...matching, ...near], keywordWeight, 0), {
    topK: TOP_K,
    most: 0,
    keepsStrongKeywords: true,
    reranks: !findsBeyondKeywords,
  });
  return hits.slice(0, TOP_K);
}

const INSTRUCTIONS =
  'Answer the question from the sources, in a few sentences, and after each put the number of its source: [1].';
const agent = new Agent({ keepAlive: true, maxSockets: 256 });
const endpoint = new URL(`${providerUrl}/chat/completions`);

interface Chunk {
  choices: { delta?: { content?: string } }[];
  usage?: { total_tokens: number };
}

/** @param onText called with each piece of the answer. @returns the tokens it took */
async function generate(
  question: string,
  sources: readonly SearchHit[],
  onText: (text: string) => void,
): Promise<number> {
  const passages = sources.map(
    ({ content }, index) => `<source number="${index + 1}">\n${content}\n</source>`,
  );
  const body = JSON.stringify({
    model: 'gpt-5.4-mini',
    stream: true,
    stream_options: { include_usage: true },
    max_completion_tokens: 1024,
    messages: [
      { role: 'system', content: INSTRUCTIONS },
      { role: 'user', content: `${passages.join('\n')}\n\nQuestion: ${question}` },
    ],
  });
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = send(
      endpoint,
      {
        method: 'POST',
        agent,
        headers: {
          authorization: 'Bearer x',
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
        },
      },
      resolve,
    );
    outgoing.once('error', reject);
    outgoing.end(body);
  });
  response.setEncoding('utf8');
  let rest = '';
  let tokens = 0;
  return new Promise((resolve, reject) => {
    response.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (!line.startsWith('data: ') || line === 'data: [DONE]') continue;
        const chunk = JSON.parse(line.slice(6)) as Chunk;
        const content = chunk.choices[0]?.delta?.content;
        if (content !== undefined && content !== '') onText(content);
        tokens = chunk.usage?.total_tokens ?? tokens;
      }
    });
    response.once('end', () => resolve(tokens));
    response.once('error', reject);
  });
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

const server = createServer((request, response) => {
  void (async () => {
    const { question } = JSON.parse(await bodyOf(request)) as { question: string };
    const sources = await search(question);
    if (request.url === '/ask/stream') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      await generate(question, sources, (text) =>
        response.write(`event: token\ndata: ${JSON.stringify({ text })}\n\n`),
      );
      response.end();
      return;
    }
    let answer = '';
    const tokens = await generate(question, sources, (text) => (answer += text));
    const body = JSON.stringify({
      answer,
      sources: sources.map(({ content, ...source }) => ({
        ...source,
        id: `${source.documentId}:${source.start}-${source.end}`,
        content_preview: content.slice(0, 200),
      })),
      tokens_used: tokens,
    });
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    });
    response.end(body);
  })().catch((error: unknown) => {
    response.destroy(error instanceof Error ? error : undefined);
  });
});
serve(server);
