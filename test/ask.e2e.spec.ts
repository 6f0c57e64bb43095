// Real: HTTP, database, embedding, search and the extractive answerer. Nothing is faked.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AnswerDto } from '../src/ask/dto/answer.dto.js';
import type { SearchResponseDto } from '../src/ask/dto/search.dto.js';
import { expectProblem, startApp, type TestApp } from './support/app.js';

const KEYS = `# Key rotation

API keys are rotated every 90 days. The old key works for another 24 hours. 😀 Emoji — and “quotes” — shift no offset.

## Revocation

A leaked key is revoked at once by the on-call engineer. Revocation takes effect within ten seconds.`;
const REFUNDS = 'Refunds are paid within 14 days. A refund above 500 euros needs the approval of a manager.';
const QUESTION = 'How often are API keys rotated?';
const NO_INFORMATION = "I don't have information about this in my knowledge base.";

let app: TestApp;
let keysId: string;
beforeAll(async () => {
  app = await startApp();
  const keys = await app.addDocument({
    title: 'Key rotation',
    text: KEYS,
    url: 'https://wiki.example.com/keys',
    metadata: { team: 'platform', year: 2026, tags: ['security', 'keys'], draft: false, score: 4.5 },
  });
  keysId = keys.id;
  await app.addDocument({
    title: 'Refunds',
    text: REFUNDS,
    metadata: { team: 'payments', year: 2024, tags: ['money'], owner: null },
  });
  await app.addDocument({
    title: 'Handbook keys',
    text: 'In the office, door keys are rotated among the teams every 30 days.',
    collection: 'handbook',
    metadata: { team: 'office', year: 2020 },
  });
});
afterAll(() => app.stop());

/** Every citation is a part of the answer, and of the document that it names, character for character. */
async function verifyCitations({ answer, citations, sources }: AnswerDto): Promise<void> {
  for (const citation of citations) {
    expect(citation.start).toBeGreaterThanOrEqual(0);
    expect(citation.end).toBeGreaterThan(citation.start);
    expect(citation.end).toBeLessThanOrEqual(answer.length);
    const source = sources[citation.source]!;
    expect(citation.source_start).toBeGreaterThanOrEqual(source.start);
    expect(citation.source_end).toBeLessThanOrEqual(source.end);
    expect(source.cited).toBe(true);
    const content = await app.content(source.document_id);
    expect(content.slice(citation.source_start, citation.source_end)).toBe(citation.quote);
  }
  const cited = new Set(citations.map(({ source }) => source));
  expect(sources.map((source) => source.cited)).toEqual(sources.map((_, index) => cited.has(index)));
}

describe('POST /ask', () => {
  it('answers with a quote of the document that holds it, and a citation that proves it', async () => {
    const answer = await app.ask({ question: QUESTION, collections: ['default'] });
    expect(answer.answer).toContain('API keys are rotated every 90 days.');
    expect(answer.citations.length).toBeGreaterThan(0);
    const [first] = answer.citations;
    expect(answer.answer.slice(first!.start, first!.end)).toBe(first!.quote);
    expect(answer.sources[first!.source]!.document_id).toBe(keysId);
    await verifyCitations(answer);
  });

  it('counts offsets in UTF-16 code units, past characters that take two', async () => {
    const answer = await app.ask('Who revokes a leaked key?');
    expect(answer.answer).toContain('on-call engineer');
    expect(answer.citations.some(({ source_start }) => source_start > KEYS.indexOf('😀'))).toBe(true);
    await verifyCitations(answer);
  });

  it('has exactly the fields of the contract', async () => {
    const answer = await app.ask(QUESTION);
    expect(Object.keys(answer)).toEqual([
      'id',
      'answer',
      'sources',
      'citations',
      'model',
      'prompt_version',
      'finish_reason',
      'tokens_used',
      'usage',
      'cost_usd',
      'latency_ms',
      'timings',
      'standalone_question',
      'attempts',
      'cached',
      'evaluation',
    ]);
    expect(answer).toMatchObject({
      model: 'extractive',
      prompt_version: 'answer.v1',
      finish_reason: 'stop',
      tokens_used: 0,
      usage: {
        input_tokens: 0,
        output_tokens: 0,
        cache_read_tokens: 0,
        cache_write_tokens: 0,
        embedding_tokens: 0,
      },
      cost_usd: 0,
      attempts: 1,
      evaluation: null,
    });
    expect(answer.id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(answer.latency_ms).toBeGreaterThan(0);
    expect(Object.keys(answer.timings)).toEqual([
      'condense_ms',
      'rephrase_ms',
      'embed_ms',
      'search_ms',
      'rerank_ms',
      'first_token_ms',
      'generate_ms',
    ]);
    const { condense_ms, rephrase_ms, rerank_ms, ...durations } = answer.timings;
    expect([condense_ms, rephrase_ms, rerank_ms]).toEqual([null, null, null]);
    for (const duration of Object.values(durations)) expect(duration).toBeGreaterThanOrEqual(0);
    for (const source of answer.sources) {
      expect(Object.keys(source)).toEqual([
        'id',
        'document_id',
        'collection',
        'title',
        'url',
        'content_preview',
        'similarity_score',
        'start',
        'end',
        'page',
        'cited',
      ]);
      expect(source.similarity_score).toBeGreaterThanOrEqual(0);
      expect(source.similarity_score).toBeLessThanOrEqual(1);
      expect(source.content_preview.length).toBeLessThanOrEqual(200);
      const content = await app.content(source.document_id);
      expect(content.slice(source.start, source.end).startsWith(source.content_preview)).toBe(true);
    }
    expect(answer.sources.find(({ document_id }) => document_id === keysId)).toMatchObject({
      title: 'Key rotation',
      url: 'https://wiki.example.com/keys',
      collection: 'default',
      page: null,
    });
    expect(answer.citations.map((citation) => Object.keys(citation))).toEqual(
      answer.citations.map(() => ['start', 'end', 'source', 'quote', 'source_start', 'source_end']),
    );
  });

  it('says that it does not know, without calling a model, when nothing has to do with the question', async () => {
    const answer = await app.ask('Wie hoch ist der Mount Everest?');
    expect(answer).toMatchObject({
      answer: NO_INFORMATION,
      sources: [],
      citations: [],
      finish_reason: 'no_context',
      tokens_used: 0,
      attempts: 0,
      cost_usd: 0,
    });
    expect(answer.timings.first_token_ms).toBeNull();
    const calls = (await app.ledger()).filter(({ request_id }) => request_id === answer.id);
    expect(calls.map(({ operation }) => operation)).toEqual(['query_embedding']);
  });

  it('echoes X-Request-Id, or makes one, and never repeats a malformed one', async () => {
    const sent = await app.post(
      '/ask',
      { question: QUESTION },
      { headers: { 'X-Request-Id': 'trace:4711.a-b_c' } },
    );
    expect(sent.headers.get('x-request-id')).toBe('trace:4711.a-b_c');
    for (const bad of ['has space', 'x'.repeat(129), '<script>']) {
      const reply = await app.post('/ask', { question: QUESTION }, { headers: { 'X-Request-Id': bad } });
      expect(reply.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  it('tells the stages in Server-Timing, and nothing of limits when there are none', async () => {
    const reply = await app.post('/ask', { question: QUESTION });
    expect(reply.headers.get('server-timing')).toMatch(
      /^embed;dur=[\d.]+, search;dur=[\d.]+, first_token;dur=[\d.]+, generate;dur=[\d.]+$/,
    );
    expect(reply.headers.get('ratelimit')).toBeNull();
    expect(reply.headers.get('ratelimit-policy')).toBeNull();
  });

  it('takes earlier turns', async () => {
    const history = [
      { role: 'user', content: 'What is an API key?' },
      { role: 'assistant', content: 'A secret that names its caller.' },
    ];
    const answer = await app.ask({ question: QUESTION, history });
    expect(answer.answer).toContain('every 90 days');
  });

  it('takes a model by name, and names the known ones for another', async () => {
    expect((await app.ask({ question: QUESTION, model: 'extractive' })).model).toBe('extractive');
    const problem = expectProblem(
      await app.post('/ask', { question: QUESTION, model: 'openai/gpt-9' }),
      400,
      'INVALID_REQUEST',
    );
    expect(problem.errors).toEqual([{ field: 'model', message: 'model takes one of extractive' }]);
  });
});

describe('what is searched', () => {
  it('finds at most top_k passages', async () => {
    const all = await app.ask({ question: 'keys rotated refund', min_similarity: 0, top_k: 50 });
    expect(all.sources.length).toBeGreaterThanOrEqual(3);
    const one = await app.ask({ question: 'keys rotated refund', min_similarity: 0, top_k: 1 });
    expect(one.sources.map(({ id }) => id)).toEqual([all.sources[0]!.id]);
  });

  it('searches the named collections and merges what they hold', async () => {
    const collectionsOf = async (collections?: string[]) => {
      const { sources } = await app.ask({ question: 'How often are keys rotated?', top_k: 50, collections });
      return [...new Set(sources.map(({ collection }) => collection))].sort();
    };
    expect(await collectionsOf(['handbook'])).toEqual(['handbook']);
    expect(await collectionsOf(['default'])).toEqual(['default']);
    expect(await collectionsOf(['handbook', 'default'])).toEqual(['default', 'handbook']);
    expect(await collectionsOf()).toEqual(['default', 'handbook']);
  });

  it('answers 404 when one of the collections does not exist', async () => {
    for (const path of ['/ask', '/ask/stream'])
      expectProblem(
        await app.post(path, { question: QUESTION, collections: ['default', 'nope'] }),
        404,
        'NOT_FOUND',
      );
    expectProblem(
      await app.post('/search', { queries: [QUESTION], collections: ['nope'] }),
      404,
      'NOT_FOUND',
    );
  });

  it.each(['hybrid', 'semantic', 'keyword'])('answers in %s mode', async (search_mode) => {
    const answer = await app.ask({ question: QUESTION, search_mode });
    expect(answer.sources[0]!.document_id).toBe(keysId);
    expect(answer.answer).toContain('every 90 days');
    await verifyCitations(answer);
  });

  it('finds in keyword mode only passages that hold a word of the question', async () => {
    expect(await app.search('zebra crossing', { search_mode: 'keyword' })).toEqual([]);
    const hits = await app.search('approval zebra', { search_mode: 'keyword' });
    expect(hits.map(({ title }) => title)).toEqual(['Refunds']);
  });

  it('drops passages below min_similarity', async () => {
    const semantic = { question: QUESTION, search_mode: 'semantic', top_k: 50 };
    const all = await app.ask({ ...semantic, min_similarity: 0 });
    const scores = all.sources.map(({ similarity_score }) => similarity_score);
    const middle = (Math.max(...scores) + Math.min(...scores)) / 2;
    const some = await app.ask({ ...semantic, min_similarity: middle });
    expect(some.sources.length).toBe(scores.filter((score) => score >= middle).length);
    expect(some.sources.length).toBeLessThan(all.sources.length);
    const none = await app.ask({ ...semantic, min_similarity: 1 });
    expect(none).toMatchObject({ answer: NO_INFORMATION, finish_reason: 'no_context' });
  });
});

describe('filter', () => {
  const titles = async (filter: unknown): Promise<string[]> => {
    const hits = await app.search('keys refund rotated', { filter, top_k: 50 });
    return [...new Set(hits.map(({ title }) => title))].sort();
  };
  const keys = 'Key rotation';
  const refunds = 'Refunds';
  const doors = 'Handbook keys';

  it.each<[string, unknown, string[]]>([
    ['a bare value', { team: 'payments' }, [refunds]],
    ['eq', { team: { eq: 'payments' } }, [refunds]],
    ['ne, also for a field that is absent', { owner: { ne: 'x' } }, [doors, keys, refunds]],
    ['gte', { year: { gte: 2024 } }, [keys, refunds]],
    ['gt', { year: { gt: 2024 } }, [keys]],
    ['a range', { year: { gte: 2020, lt: 2025 } }, [doors, refunds]],
    ['lte', { year: { lte: 2020 } }, [doors]],
    ['a decimal', { score: { gt: 4.4 } }, [keys]],
    ['in', { team: { in: ['office', 'payments'] } }, [doors, refunds]],
    ['exists', { tags: { exists: true } }, [keys, refunds]],
    ['exists: false', { tags: { exists: false } }, [doors]],
    ['false', { draft: false }, [keys]],
    ['null', { owner: null }, [refunds]],
    ['an item of a list', { tags: 'security' }, [keys]],
    ['ne with a list', { tags: { ne: 'security' } }, [doors, refunds]],
    ['in with a list', { tags: { in: ['money', 'other'] } }, [refunds]],
    ['two fields', { team: 'platform', year: 2026 }, [keys]],
    ['two fields that contradict', { team: 'platform', year: 2024 }, []],
    ['or', { or: [{ team: 'office' }, { year: 2026 }] }, [doors, keys]],
    ['and', { and: [{ year: { gt: 2020 } }, { team: { ne: 'payments' } }] }, [keys]],
    ['not', { not: { team: 'office' } }, [keys, refunds]],
    [
      'nested',
      { or: [{ and: [{ team: 'payments' }, { not: { year: 2026 } }] }, { tags: 'keys' }] },
      [keys, refunds],
    ],
    ['another type', { year: '2026' }, []],
    ['a field that nothing has', { 'a"b.c $[*]': 1 }, []],
    ['no condition', {}, [doors, keys, refunds]],
  ])('%s', async (_name, filter, expected) => {
    expect(await titles(filter)).toEqual(expected);
  });

  it('holds for questions too', async () => {
    const answer = await app.ask({ question: 'How often are keys rotated?', filter: { team: 'office' } });
    expect(answer.sources.map(({ title }) => title)).toEqual([doors]);
    const none = await app.ask({ question: QUESTION, filter: { team: 'nobody' } });
    expect(none.finish_reason).toBe('no_context');
  });

  it.each<[string, unknown]>([
    ['an unknown comparison', { year: { like: 'x' } }],
    ['a list as a value', { team: ['a'] }],
    ['an object as an operand', { team: { eq: { a: 1 } } }],
    ['an empty condition', { team: {} }],
    ['an empty in', { team: { in: [] } }],
    ['in without a list', { team: { in: 'a' } }],
    ['exists without a truth value', { team: { exists: 'yes' } }],
    ['or without a list', { or: { team: 'a' } }],
    ['an empty or', { or: [] }],
    ['or of no filters', { or: [1] }],
    ['an empty not', { not: {} }],
    ['six levels', { not: { not: { not: { not: { not: { a: 1 } } } } } }],
    ['51 conditions', Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`f${index}`, 1]))],
    ['201 values', { team: { in: Array.from({ length: 201 }, (_, index) => index) } }],
  ])('refuses %s, naming the part', async (_name, filter) => {
    for (const [path, body] of [
      ['/ask', { question: QUESTION }],
      ['/search', { queries: [QUESTION] }],
    ] as const) {
      const problem = expectProblem(await app.post(path, { ...body, filter }), 400, 'INVALID_REQUEST');
      expect(problem.errors?.[0]?.field).toMatch(/^filter/);
    }
  });
});

describe('POST /search', () => {
  it('answers each query, in order, with whole passages', async () => {
    const queries = ['refund approval', QUESTION, 'zzzz qqqq'];
    const reply = await app.post<SearchResponseDto>('/search', { queries, top_k: 2 });
    expect(reply.status).toBe(200);
    expect(Object.keys(reply.body)).toEqual(['results', 'timings', 'usage']);
    expect(reply.body.results.map(({ query }) => query)).toEqual(queries);
    expect(reply.body.results[0]!.hits[0]!.title).toBe('Refunds');
    expect(reply.body.results[1]!.hits[0]!.document_id).toBe(keysId);
    expect(reply.body.usage).toEqual({ embedding_tokens: 0 });
    for (const { hits } of reply.body.results) {
      expect(hits.length).toBeLessThanOrEqual(2);
      for (const hit of hits) {
        expect(Object.keys(hit)).toEqual([
          'id',
          'document_id',
          'collection',
          'title',
          'url',
          'content_preview',
          'similarity_score',
          'start',
          'end',
          'page',
          'content',
        ]);
        expect((await app.content(hit.document_id)).slice(hit.start, hit.end)).toBe(hit.content);
      }
    }
  });

  it.each<[string, unknown, string]>([
    ['no queries', {}, 'queries'],
    ['an empty list', { queries: [] }, 'queries'],
    ['21 queries', { queries: Array.from({ length: 21 }, () => 'a') }, 'queries'],
    ['a blank one', { queries: ['a', ' '] }, 'queries'],
    ['a number', { queries: [1] }, 'queries'],
    ['text instead of a list', { queries: 'a' }, 'queries'],
    ['a question', { question: 'a', queries: ['a'] }, 'question'],
  ])('refuses %s', async (_name, body, field) => {
    const problem = expectProblem(await app.post('/search', body), 400, 'INVALID_REQUEST');
    expect(problem.errors?.map((error) => error.field)).toContain(field);
  });
});

describe('a bad question', () => {
  const cases: [string, Record<string, unknown>, string][] = [
    ['no question', {}, 'question'],
    ['an empty question', { question: '' }, 'question'],
    ['a blank question', { question: ' \n\t ' }, 'question'],
    ['a question of 4,001 characters', { question: 'x'.repeat(4001) }, 'question'],
    ['a number as question', { question: 1 }, 'question'],
    ['null as question', { question: null }, 'question'],
    ['a list as question', { question: ['a'] }, 'question'],
    ['top_k 0', { top_k: 0 }, 'top_k'],
    ['top_k 51', { top_k: 51 }, 'top_k'],
    ['top_k 1.5', { top_k: 1.5 }, 'top_k'],
    ['top_k as text', { top_k: '5' }, 'top_k'],
    ['min_similarity -0.1', { min_similarity: -0.1 }, 'min_similarity'],
    ['min_similarity 1.1', { min_similarity: 1.1 }, 'min_similarity'],
    ['min_similarity as text', { min_similarity: '0.5' }, 'min_similarity'],
    ['an unknown search_mode', { search_mode: 'magic' }, 'search_mode'],
    ['filter as text', { filter: 'a' }, 'filter'],
    ['filter as a list', { filter: [] }, 'filter'],
    ['collections as text', { collections: 'default' }, 'collections'],
    ['no collections', { collections: [] }, 'collections'],
    ['a collection twice', { collections: ['default', 'default'] }, 'collections'],
    ['a number as collection', { collections: [1] }, 'collections'],
    ['51 collections', { collections: Array.from({ length: 51 }, (_, index) => `c${index}`) }, 'collections'],
    ['max_tokens 0', { max_tokens: 0 }, 'max_tokens'],
    ['max_tokens 32,001', { max_tokens: 32_001 }, 'max_tokens'],
    ['max_tokens 1.5', { max_tokens: 1.5 }, 'max_tokens'],
    ['temperature -1', { temperature: -1 }, 'temperature'],
    ['temperature 2.1', { temperature: 2.1 }, 'temperature'],
    ['temperature as text', { temperature: 'hot' }, 'temperature'],
    ['an empty model', { model: '' }, 'model'],
    ['a number as model', { model: 1 }, 'model'],
    ['an unknown model', { model: 'gpt' }, 'model'],
    ['history as text', { history: 'hi' }, 'history'],
    ['an unknown role', { history: [{ role: 'system', content: 'a' }] }, 'history.0.role'],
    ['an empty turn', { history: [{ role: 'user', content: '' }] }, 'history.0.content'],
    [
      'an unknown field of a turn',
      { history: [{ role: 'user', content: 'a', name: 'b' }] },
      'history.0.name',
    ],
    [
      '101 turns',
      { history: Array.from({ length: 101 }, () => ({ role: 'user', content: 'a' })) },
      'history',
    ],
    ['evaluate that is no truth value', { evaluate: 'yes' }, 'evaluate'],
    ['cache that is no truth value', { cache: 1 }, 'cache'],
    ['one model to compare', { models: ['extractive'] }, 'models'],
    ['a model twice', { models: ['extractive', 'extractive'] }, 'models'],
    ['six models', { models: ['a', 'b', 'c', 'd', 'e', 'f'] }, 'models'],
    ['models that are not configured', { models: ['extractive', 'x/y'] }, 'models'],
    ['both model and models', { model: 'extractive', models: ['extractive', 'x/y'] }, 'models'],
    ['an unknown field', { topk: 5 }, 'topk'],
  ];

  it.each(cases)('%s is a 400 that names the field, in both dialects', async (_name, fields, field) => {
    for (const path of ['/ask', '/ask/stream']) {
      const body = field === 'question' ? fields : { question: QUESTION, ...fields };
      const problem = expectProblem(await app.post(path, body), 400, 'INVALID_REQUEST');
      expect(problem.errors?.map((error) => error.field)).toContain(field);
      expect(problem.detail).toContain(problem.errors![0]!.message);
    }
  });

  it.each<[string, unknown]>([
    ['null', null],
    ['a list', [{ question: QUESTION }]],
    ['text', '"question"'],
    ['nothing', ''],
    ['broken JSON', '{"question": "a'],
  ])('%s as the body is a 400', async (_name, body) => {
    expectProblem(await app.post('/ask', body), 400, 'INVALID_REQUEST');
  });

  it('takes the limits themselves', async () => {
    const answer = await app.ask({
      question: `${QUESTION} ${'x'.repeat(4000 - QUESTION.length - 1)}`,
      top_k: 50,
      min_similarity: 0,
      temperature: 2,
      max_tokens: 32_000,
      evaluate: false,
      search_mode: 'keyword',
    });
    expect(answer.sources.length).toBeGreaterThan(0);
  });

  it.each<[string, Record<string, unknown>]>([
    ['NUL in the question', { question: 'rotated\0 keys' }],
    ['only NUL', { question: '\0' }],
    ['a lone surrogate in the question', { question: 'keys \uD800 rotated' }],
    ['NUL in a filter value', { question: QUESTION, filter: { team: 'a\0b' } }],
    ['NUL in a filter field', { question: QUESTION, filter: { 'te\0am': 'a' } }],
    ['a lone surrogate in a filter value', { question: QUESTION, filter: { team: '\uDC00' } }],
    ['a lone surrogate in a filter field', { question: QUESTION, filter: { 'te\uD800am': 1 } }],
    ['NUL in a collection', { question: QUESTION, collections: ['de\0fault'] }],
    ['a lone surrogate in a collection', { question: QUESTION, collections: ['\uD800'] }],
    ['NUL in a turn', { question: QUESTION, history: [{ role: 'user', content: '\0' }] }],
    ['NUL in the model', { question: QUESTION, model: 'a\0' }],
    ['a huge number in a filter', { question: QUESTION, filter: { year: 1e308 } }],
    ['only punctuation', { question: '?!' }],
    [
      "an object's own machinery",
      JSON.parse('{"question": "a", "__proto__": {"a": 1}, "constructor": 1}') as Record<string, unknown>,
    ],
    ['words of SQL and of the query language', { question: `'; DROP TABLE chunks; -- & | ! <-> :* ( ) "` }],
  ])('%s never fails the service', async (_name, body) => {
    for (const path of ['/ask', '/ask/stream']) {
      const reply = await app.post(path, body);
      expect(reply.status, JSON.stringify(reply.body)).toBeLessThan(500);
    }
    const { question, history: _history, model: _model, ...options } = body;
    const search = await app.post('/search', { queries: [question], ...options });
    expect(search.status, JSON.stringify(search.body)).toBeLessThan(500);
  });
});
