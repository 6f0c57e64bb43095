import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { EnvReader } from './env-reader.js';
import { type ModelPrice, readPrices } from './model-prices.js';

/** The configuration cannot be used. The message names every bad variable and what each takes. */
export class ConfigError extends Error {
  override readonly name: string = 'ConfigError';
}

const LOOPBACK = /^(localhost|::1|127(\.\d{1,3}){3})$/;
const MODEL_NAME = /^(extractive|[a-z][a-z0-9-]*\/\S+)$/;
const RANKING_SERVICE = /^(cohere|jina|tei)\//;
const RERANK_MODEL_NAME = /^(llm|(llm|local|cohere|jina|tei)\/\S+)$/;
const EMBEDDING_MODEL_NAME = /^(lexical-hash|(openai|local)\/\S+)$/;

/** Everything the process is told from outside: the one typed, validated reader of the environment. */
export class AppConfig {
  readonly http: {
    port: number;
    host: string;
    corsOrigins: string[];
    /** Addresses and networks whose `X-Forwarded-For` is believed. */
    trustedProxies: string[];
    maxUploadBytes: number;
    shutdownGraceMs: number;
  };
  readonly database: { url: string | undefined; dataDir: string };
  readonly redisUrl: string | undefined;
  readonly auth: {
    adminApiKey: string | undefined;
    /** The identity provider whose tokens are taken beside keys. */
    jwt:
      | { jwksUrl: string; issuer: string; audience: string; scopesClaim: string; labelsClaim: string }
      | undefined;
  };
  readonly llm: {
    models: string[];
    anthropicApiKey: string | undefined;
    anthropicBaseUrl: string | undefined;
    openaiApiKey: string | undefined;
    openaiBaseUrl: string | undefined;
    timeoutMs: number;
    firstTokenTimeoutMs: number;
    stallTimeoutMs: number;
    maxRetries: number;
    /** Calls in flight to one provider, and callers that may wait for a place among them. */
    maxConcurrency: number;
    maxQueue: number;
    /** Failed attempts within a minute that open a model's circuit breaker (0: none), and for how long. */
    breakerFailures: number;
    breakerOpenMs: number;
  };
  /** How long an answer may be given again to callers who ask for that; 0 = answers are not kept. */
  readonly responseCacheTtlMs: number;
  readonly embeddingModel: string;
  /** How long the vector of a question is remembered, for others who ask it; 0 = it is not. */
  readonly queryCacheTtlMs: number;
  /** What ranks the passages that a search has found; `model` undefined: the search's own order, and its own rules. */
  readonly reranking: {
    model: string | undefined;
    url: string | undefined;
    apiKey: string | undefined;
    timeoutMs: number;
  };
  /** Documents that may wait to be made searchable; whether `POST /documents` may load what a URL names. */
  readonly ingestion: { maxQueue: number; allowsUrls: boolean };
  readonly rateLimits: {
    rpm: number;
    tpm: number;
    concurrency: number;
    /** Of all callers together. */
    global: { rpm: number; tpm: number; concurrency: number };
    /** While Redis is gone, each replica limits by itself, or refuses. */
    onRedisFailure: 'open' | 'closed';
  };
  /** Decimal strings: money never passes through binary floating point on its way to the database. */
  readonly budgets: { dailyUsd: string | undefined; monthlyUsd: string | undefined };
  /** How long it is kept who asked what (0: it is not), and whether with the words. */
  readonly answers: { retentionDays: number; storesText: boolean };
  readonly modelPrices: Readonly<Record<string, ModelPrice>>;
  readonly log: { level: string; format: 'json' | 'pretty' };

  /** @throws ConfigError naming every variable that cannot be used and what it takes */
  constructor(env: Readonly<Record<string, string | undefined>>) {
    const read = new EnvReader(env);
    this.http = {
      port: read.integer('PORT', 3000, 0, 65535),
      host: read.string('HOST') ?? '127.0.0.1',
      corsOrigins:
        read.list(
          'CORS_ORIGINS',
          /^(https?:\/\/[^/\s]+)$/,
          'a comma list of origins such as https://chat.example.com',
        ) ?? [],
      trustedProxies: readProxies(read),
      maxUploadBytes: read.integer('MAX_UPLOAD_MB', 50, 1, 1024) * 1024 * 1024,
      shutdownGraceMs: read.integer('SHUTDOWN_GRACE_MS', 15_000, 0, 600_000),
    };
    this.database = {
      url: read.url('DATABASE_URL', ['postgres:', 'postgresql:']),
      dataDir: resolve(read.string('DATA_DIR') ?? './data'),
    };
    this.redisUrl = read.url('REDIS_URL', ['redis:', 'rediss:']);
    this.auth = { adminApiKey: read.string('ADMIN_API_KEY'), jwt: readJwt(read) };
    this.llm = readLlm(read);
    this.responseCacheTtlMs = read.integer('RESPONSE_CACHE_TTL_S', 0, 0, 2_592_000) * 1000;
    this.embeddingModel = readEmbeddingModel(read, this.llm.openaiApiKey, this.llm.openaiBaseUrl);
    this.queryCacheTtlMs = read.integer('QUERY_CACHE_TTL_S', 3_600, 0, 2_592_000) * 1000;
    this.reranking = readReranking(read);
    this.ingestion = {
      maxQueue: read.integer('INGESTION_MAX_QUEUE', 10_000, 1, 10_000_000),
      allowsUrls: read.oneOf('INGESTION_URLS', ['off', 'on'], 'off') === 'on',
    };
    this.rateLimits = {
      rpm: read.integer('RATE_LIMIT_RPM', 60, 0, 1_000_000),
      tpm: read.integer('RATE_LIMIT_TPM', 100_000, 0, 1_000_000_000),
      concurrency: read.integer('RATE_LIMIT_CONCURRENCY', 10, 0, 10_000),
      global: {
        rpm: read.integer('RATE_LIMIT_GLOBAL_RPM', 0, 0, 100_000_000),
        tpm: read.integer('RATE_LIMIT_GLOBAL_TPM', 0, 0, 100_000_000_000),
        concurrency: read.integer('RATE_LIMIT_GLOBAL_CONCURRENCY', 0, 0, 1_000_000),
      },
      onRedisFailure: read.oneOf('LIMITS_ON_REDIS_FAILURE', ['open', 'closed'], 'open'),
    };
    this.budgets = {
      dailyUsd: read.dollars('BUDGET_DAILY_USD'),
      monthlyUsd: read.dollars('BUDGET_MONTHLY_USD'),
    };
    this.answers = {
      retentionDays: read.integer('ANSWERS_RETENTION_DAYS', 30, 0, 3_650),
      storesText: read.oneOf('ANSWERS_TEXT', ['on', 'off'], 'on') === 'on',
    };
    this.modelPrices = readPrices(read);
    this.log = {
      level: read.oneOf('LOG_LEVEL', ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], 'info'),
      format: read.oneOf('LOG_FORMAT', ['json', 'pretty'], 'json'),
    };
    this.checkExposure(read);
    if (read.problems.length > 0)
      throw new ConfigError(`The configuration cannot be used:\n  ${read.problems.join('\n  ')}`);
  }

  private checkExposure(read: EnvReader): void {
    // others do not travel in a header as they are
    if (this.auth.adminApiKey !== undefined && !/^[!-~]{16,}$/.test(this.auth.adminApiKey))
      read.problems.push(
        'ADMIN_API_KEY takes a secret of at least 16 characters, ASCII without spaces, e.g. from `openssl rand -hex 32`',
      );
    if (this.auth.adminApiKey === undefined && !LOOPBACK.test(this.http.host))
      read.problems.push(
        `HOST is ${JSON.stringify(this.http.host)}, which others can reach, but ADMIN_API_KEY is not set: ` +
          'set it, or listen on 127.0.0.1',
      );
    if (this.auth.adminApiKey === undefined && this.auth.jwt !== undefined)
      read.problems.push(
        'AUTH_JWKS_URL is set, but ADMIN_API_KEY is not, which turns authentication on: set it',
      );
  }
}

function readJwt(read: EnvReader): AppConfig['auth']['jwt'] {
  const jwksUrl = read.url('AUTH_JWKS_URL', ['http:', 'https:']);
  const issuer = read.string('AUTH_ISSUER');
  const audience = read.string('AUTH_AUDIENCE');
  if (jwksUrl === undefined) {
    if (issuer !== undefined || audience !== undefined)
      read.problems.push('AUTH_ISSUER or AUTH_AUDIENCE is set, but AUTH_JWKS_URL is not: set it');
    return undefined;
  }
  // without them, any token of that provider would do, whoever it is for
  if (issuer === undefined || audience === undefined)
    read.problems.push('AUTH_JWKS_URL is set, so AUTH_ISSUER and AUTH_AUDIENCE must be set');
  return {
    jwksUrl,
    issuer: issuer ?? '',
    audience: audience ?? '',
    scopesClaim: read.string('AUTH_SCOPES_CLAIM') ?? 'scope',
    labelsClaim: read.string('AUTH_LABELS_CLAIM') ?? 'groups',
  };
}

function readLlm(read: EnvReader): AppConfig['llm'] {
  const anthropicApiKey = read.string('ANTHROPIC_API_KEY');
  const openaiApiKey = read.string('OPENAI_API_KEY');
  const named = read.list(
    'LLM_MODELS',
    MODEL_NAME,
    'a comma list of provider/model such as anthropic/claude-sonnet-5,openai/gpt-5.4-mini, or extractive',
  );
  const models = named ?? [
    anthropicApiKey !== undefined
      ? 'anthropic/claude-sonnet-5'
      : openaiApiKey !== undefined
        ? 'openai/gpt-5.4-mini'
        : 'extractive',
  ];
  const twice = models.find((model, index) => models.indexOf(model) !== index);
  if (twice !== undefined) read.problems.push(`LLM_MODELS names ${twice} twice`);
  const openaiBaseUrl = read.url('OPENAI_BASE_URL', ['http:', 'https:']);
  if (models.some((model) => model.startsWith('anthropic/')) && anthropicApiKey === undefined)
    read.problems.push('LLM_MODELS names an anthropic/ model, so ANTHROPIC_API_KEY must be set');
  if (
    models.some((model) => model.startsWith('openai/')) &&
    openaiApiKey === undefined &&
    openaiBaseUrl === undefined
  )
    read.problems.push('LLM_MODELS names an openai/ model, so OPENAI_API_KEY or OPENAI_BASE_URL must be set');
  return {
    models,
    anthropicApiKey,
    anthropicBaseUrl: read.url('ANTHROPIC_BASE_URL', ['http:', 'https:']),
    openaiApiKey,
    openaiBaseUrl,
    timeoutMs: read.integer('LLM_TIMEOUT_MS', 120_000, 1, 3_600_000),
    firstTokenTimeoutMs: read.integer('LLM_FIRST_TOKEN_TIMEOUT_MS', 30_000, 1, 3_600_000),
    stallTimeoutMs: read.integer('LLM_STALL_TIMEOUT_MS', 30_000, 1, 3_600_000),
    maxRetries: read.integer('LLM_MAX_RETRIES', 3, 0, 20),
    maxConcurrency: read.integer('LLM_MAX_CONCURRENCY', 64, 1, 10_000),
    maxQueue: read.integer('LLM_MAX_QUEUE', 256, 0, 100_000),
    breakerFailures: read.integer('LLM_BREAKER_FAILURES', 10, 0, 10_000),
    breakerOpenMs: read.integer('LLM_BREAKER_OPEN_MS', 15_000, 1, 3_600_000),
  };
}

function readEmbeddingModel(read: EnvReader, openaiApiKey?: string, openaiBaseUrl?: string): string {
  const model = read.string('EMBEDDING_MODEL') ?? 'lexical-hash';
  if (!EMBEDDING_MODEL_NAME.test(model))
    read.fail(
      'EMBEDDING_MODEL',
      model,
      'openai/<model>, local/<model id or folder>, or lexical-hash (the built-in one)',
    );
  if (model.startsWith('openai/') && openaiApiKey === undefined && openaiBaseUrl === undefined)
    read.problems.push(
      'EMBEDDING_MODEL names an openai/ model, so OPENAI_API_KEY or OPENAI_BASE_URL must be set',
    );
  return model;
}

function readProxies(read: EnvReader): string[] {
  const takes = 'a comma list of addresses and networks such as 10.0.0.1,10.1.0.0/16, or loopback';
  const proxies = read.list('TRUSTED_PROXIES', /^\S+$/, takes) ?? [];
  const bad = proxies.find((proxy) => proxy !== 'loopback' && !isNetwork(proxy));
  if (bad !== undefined) read.fail('TRUSTED_PROXIES', bad, takes);
  return proxies;
}

function isNetwork(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/');
  const version = isIP(address);
  if (version === 0 || more.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}

function readReranking(read: EnvReader): AppConfig['reranking'] {
  const model = read.string('RERANK_MODEL');
  const url = read.url('RERANK_URL', ['http:', 'https:']);
  if (model !== undefined && !RERANK_MODEL_NAME.test(model))
    read.fail(
      'RERANK_MODEL',
      model,
      'cohere/<model>, jina/<model>, tei/<name>, local/<model id or folder>, llm, or llm/<one of LLM_MODELS>',
    );
  const apiKey = read.string('RERANK_API_KEY');
  if (model?.startsWith('tei/') === true && url === undefined)
    read.problems.push('RERANK_MODEL names a server of your own, so RERANK_URL must be set');
  else if (model !== undefined && RANKING_SERVICE.test(model) && url === undefined && apiKey === undefined)
    read.problems.push('RERANK_MODEL names a service, so RERANK_API_KEY or RERANK_URL must be set');
  if (model !== undefined && !RANKING_SERVICE.test(model) && url !== undefined)
    read.problems.push('RERANK_URL is set, but RERANK_MODEL names no server');
  return {
    model,
    url,
    apiKey,
    timeoutMs: read.integer('RERANK_TIMEOUT_MS', 3_000, 1, 60_000),
  };
}
