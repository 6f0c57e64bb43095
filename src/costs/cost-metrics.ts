import { Counter, Histogram, register } from 'prom-client';

const registers = [register];
const calls = new Counter({
  name: 'footnote_model_calls_total',
  help: 'Calls to models, by outcome.',
  labelNames: ['model', 'operation', 'outcome'],
  registers,
});
const tokens = new Counter({
  name: 'footnote_model_tokens_total',
  help: 'Tokens of calls to models, as billed.',
  labelNames: ['model', 'operation', 'kind'],
  registers,
});
const cost = new Counter({
  name: 'footnote_model_cost_usd_total',
  help: 'Cost of calls to models with a known price, in US dollars. The ledger has the exact sum.',
  labelNames: ['model', 'operation'],
  registers,
});
const unpriced = new Counter({
  name: 'footnote_model_unpriced_calls_total',
  help: 'Calls to models whose price is not known.',
  labelNames: ['model'],
  registers,
});
const latency = new Histogram({
  name: 'footnote_model_call_duration_seconds',
  help: 'Time from a call to a model to the end of its answer.',
  labelNames: ['model', 'operation'],
  buckets: [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120],
  registers,
});
const firstToken = new Histogram({
  name: 'footnote_model_first_token_seconds',
  help: 'Time from a call to a model to its first token.',
  labelNames: ['model'],
  buckets: [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30],
  registers,
});

interface CountedCall {
  model: string;
  operation: string;
  outcome: string;
  inputTokens: number;
  outputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
  embeddingTokens: number;
  costUsd: string | null;
  latencyMs: number;
  firstTokenMs: number | null;
}

/** Adds a recorded call to the Prometheus counters of this process. */
export function countCall(call: CountedCall): void {
  const { model, operation } = call;
  calls.inc({ model, operation, outcome: call.outcome });
  const kinds = {
    input: call.inputTokens,
    output: call.outputTokens,
    cache_read: call.cacheReadTokens,
    cache_write: call.cacheWriteTokens,
    embedding: call.embeddingTokens,
  };
  for (const [kind, count] of Object.entries(kinds))
    if (count > 0) tokens.inc({ model, operation, kind }, count);
  if (call.costUsd === null) unpriced.inc({ model });
  else cost.inc({ model, operation }, Number(call.costUsd));
  latency.observe({ model, operation }, call.latencyMs / 1000);
  if (call.firstTokenMs !== null) firstToken.observe({ model }, call.firstTokenMs / 1000);
}
