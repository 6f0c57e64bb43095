import { expect } from 'vitest';
import type { AlternativeDto, AnswerDto, DoneDto, EvaluationDto } from '../../src/ask/dto/answer.dto.js';
import type { SearchHitDto, SearchResponseDto } from '../../src/ask/dto/search.dto.js';
import type { CitationDto, SourceDto } from '../../src/ask/dto/source.dto.js';
import type { Problem } from '../../src/common/errors/problem.js';
import type { CostSummary } from '../../src/costs/cost-summary.dto.js';
import type {
  AcceptedDocumentDto,
  AcceptedDocumentsDto,
  DocumentDto,
} from '../../src/documents/dto/document.dto.js';
import { poll } from './poll.js';
import { parseSse, type SseEvent } from './sse.js';

/** A response with its body read: JSON where it is JSON, else text. */
export interface Reply<T = unknown> {
  status: number;
  headers: Headers;
  body: T;
}

export interface NewDocument {
  title: string;
  text: string;
  url?: string;
  collection?: string;
  metadata?: Record<string, unknown>;
  allowed?: string[];
  external_id?: string;
}

/** All of a streamed answer. */
export interface StreamedAnswer {
  status: number;
  headers: Headers;
  events: SseEvent[];
  comments: string[];
  sources: SourceDto[] | undefined;
  /** The joined tokens. */
  text: string;
  citations: CitationDto[];
  alternatives: AlternativeDto[];
  done: DoneDto | undefined;
  evaluation: EvaluationDto | undefined;
  error: Problem | undefined;
}

/** The service as its callers see it: HTTP, nothing else. */
export class ApiClient {
  constructor(
    readonly url: string,
    private readonly headers: Readonly<Record<string, string>> = {},
  ) {}

  /** The same service with other headers. */
  with(headers: Record<string, string>): ApiClient {
    return new ApiClient(this.url, { ...this.headers, ...headers });
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(this.url + path, {
      ...init,
      headers: { ...this.headers, ...(init.headers as Record<string, string>) },
    });
  }

  async send<T = unknown>(path: string, init: RequestInit = {}): Promise<Reply<T>> {
    const response = await this.fetch(path, init);
    const text = await response.text();
    const isJson = /[/+]json\b/.test(response.headers.get('content-type') ?? '');
    return {
      status: response.status,
      headers: response.headers,
      body: (isJson && text !== '' ? JSON.parse(text) : text) as T,
    };
  }

  get<T = unknown>(path: string, headers: Record<string, string> = {}): Promise<Reply<T>> {
    return this.send<T>(path, { headers });
  }

  delete(path: string): Promise<Reply> {
    return this.send(path, { method: 'DELETE' });
  }

  /** Posts JSON; a string is sent as it is. */
  post<T = unknown>(path: string, body: unknown, init: RequestInit = {}): Promise<Reply<T>> {
    return this.send<T>(path, {
      ...jsonInit(body),
      ...init,
      headers: { 'content-type': 'application/json', ...(init.headers as object) },
    });
  }

  /** Patches JSON. */
  patch<T = unknown>(path: string, body: unknown): Promise<Reply<T>> {
    return this.post<T>(path, body, { method: 'PATCH' });
  }

  /** Asks and expects an answer. */
  async ask(body: string | Record<string, unknown>, init: RequestInit = {}): Promise<AnswerDto> {
    const reply = await this.post<AnswerDto>('/ask', questionOf(body), init);
    expect(reply.status, JSON.stringify(reply.body)).toBe(200);
    return reply.body;
  }

  /** Asks for a stream, as it comes. */
  openStream(body: string | Record<string, unknown>, init: RequestInit = {}): Promise<Response> {
    return this.fetch('/ask/stream', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(questionOf(body)),
      ...init,
    });
  }

  /** Asks for a stream and reads all of it. */
  async askStream(body: string | Record<string, unknown>, init: RequestInit = {}): Promise<StreamedAnswer> {
    return collectStream(await this.openStream(body, init));
  }

  /** Searches one query and expects a result. */
  async search(query: string, options: Record<string, unknown> = {}): Promise<SearchHitDto[]> {
    const reply = await this.post<SearchResponseDto>('/search', { queries: [query], ...options });
    expect(reply.status, JSON.stringify(reply.body)).toBe(200);
    return reply.body.results[0]!.hits;
  }

  /** Adds a document and waits until it is searchable. */
  async addDocument(document: NewDocument): Promise<AcceptedDocumentDto> {
    const reply = await this.post<AcceptedDocumentsDto>('/documents?wait=true', document);
    expect(reply.status, JSON.stringify(reply.body)).toBe(201);
    expect(reply.body.documents).toHaveLength(1);
    expect(reply.body.documents[0]!.status).toBe('ready');
    return reply.body.documents[0]!;
  }

  async document(id: string): Promise<DocumentDto> {
    const reply = await this.get<DocumentDto>(`/documents/${id}`);
    expect(reply.status).toBe(200);
    return reply.body;
  }

  async content(id: string): Promise<string> {
    const reply = await this.get<string>(`/documents/${id}/content`);
    expect(reply.status).toBe(200);
    return reply.body;
  }

  /** Waits until a document is ready or failed. */
  finished(id: string, ms = 30_000): Promise<DocumentDto> {
    const look = async (): Promise<DocumentDto | undefined> => {
      const document = await this.document(id);
      return ['ready', 'failed'].includes(document.status) ? document : undefined;
    };
    return poll(`document ${id} is finished`, look, ms);
  }

  async costs(query = ''): Promise<CostSummary> {
    const reply = await this.get<CostSummary>(`/metrics${query}`);
    expect(reply.status).toBe(200);
    return reply.body;
  }
}

/** Reads a streamed answer to its end. */
export async function collectStream(response: Response): Promise<StreamedAnswer> {
  const answer: StreamedAnswer = {
    status: response.status,
    headers: response.headers,
    events: [],
    comments: [],
    sources: undefined,
    text: '',
    citations: [],
    alternatives: [],
    done: undefined,
    evaluation: undefined,
    error: undefined,
  };
  expect(response.headers.get('content-type'), await errorText(response)).toBe(
    'text/event-stream; charset=utf-8',
  );
  for await (const item of parseSse(response.body!)) {
    if (item.type === 'comment') {
      answer.comments.push(item.text);
      continue;
    }
    answer.events.push(item);
    const data: unknown = JSON.parse(item.data);
    if (item.event === 'sources') answer.sources = (data as { sources: SourceDto[] }).sources;
    else if (item.event === 'token') answer.text += (data as { text: string }).text;
    else if (item.event === 'citation') answer.citations.push(data as CitationDto);
    else if (item.event === 'alternative') answer.alternatives.push(data as AlternativeDto);
    else if (item.event === 'done') answer.done = data as DoneDto;
    else if (item.event === 'evaluation') answer.evaluation = data as EvaluationDto;
    else if (item.event === 'error') answer.error = data as Problem;
    else throw new Error(`an event that the contract does not know: ${item.event}`);
  }
  return answer;
}

async function errorText(response: Response): Promise<string | undefined> {
  return response.status === 200 ? undefined : response.text();
}

function questionOf(body: string | Record<string, unknown>): Record<string, unknown> {
  return typeof body === 'string' ? { question: body } : body;
}

function jsonInit(body: unknown): RequestInit {
  return { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) };
}

/** Expects problem details: status, code, media type, a request id that the header repeats, and nothing of our insides. */
export function expectProblem(reply: Reply, status: number, code: string): Problem {
  const problem = reply.body as Problem;
  expect(reply.status, JSON.stringify(problem)).toBe(status);
  expect(reply.headers.get('content-type')).toMatch(/^application\/problem\+json\b/);
  expect(problem).toMatchObject({ status, code });
  expect(
    Object.keys(problem)
      .filter((key) => key !== 'errors' && key !== 'violated-policies')
      .sort(),
  ).toEqual(['code', 'detail', 'request_id', 'status', 'title', 'type'].sort());
  expect(problem.request_id).toBe(reply.headers.get('x-request-id'));
  expect(problem.title).not.toBe('');
  expect(problem.detail).not.toBe('');
  expect(JSON.stringify(problem)).not.toMatch(
    /node_modules|\bat .+\.[jt]s:\d+|SELECT |INSERT |UPDATE .+ SET/,
  );
  return problem;
}
