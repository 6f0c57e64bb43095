import { describe, expect, it } from 'vitest';
import { AppError, ClientDisconnectedError, unrestricted } from '../../common/index.js';
import { ShutdownError } from '../../common/http/open-requests.js';
import type { Question } from '../question.js';
import { recordOf } from './answer-record.js';
import { Recording } from './recording.js';

const question: Question = {
  caller: unrestricted('somebody'),
  question: 'Who?',
  history: [],
  search: {
    collections: undefined,
    readable: undefined,
    topK: 5,
    minSimilarity: undefined,
    mode: 'hybrid',
    filter: undefined,
    labels: undefined,
  },
  multiQuery: 0,
  maxTokens: 100,
  temperature: undefined,
  model: undefined,
  models: undefined,
  evaluate: false,
  cache: false,
};

function begin(): { recording: Recording; errors: (string | null)[] } {
  const errors: (string | null)[] = [];
  const recording = new Recording(question, [], ({ error }) => {
    errors.push(error);
    return Promise.resolve();
  });
  return { recording, errors };
}

describe('Recording', () => {
  it('is written once, when it is finished', async () => {
    const { recording, errors } = begin();
    await recording.finish();
    await recording.end();
    recording.fail(new Error('afterwards'));
    await recording.end();
    expect(errors).toEqual([null]);
  });

  it.each<[string, unknown, string]>([
    ['a refusal', new AppError('RATE_LIMITED', 'Too much.'), 'RATE_LIMITED'],
    ['a caller that left', new ClientDisconnectedError(), 'ABORTED'],
    ['a service that stops', new ShutdownError(), 'SERVICE_UNAVAILABLE'],
    ['something unexpected', new TypeError('secret'), 'INTERNAL_ERROR'],
  ])('tells %s by its code', async (_, error, code) => {
    const { recording, errors } = begin();
    recording.fail(error);
    await recording.end();
    expect(errors).toEqual([code]);
  });

  it('that ends with neither was left', async () => {
    const { recording, errors } = begin();
    await recording.end();
    expect(errors).toEqual(['ABORTED']);
  });
});

describe('recordOf', () => {
  it('has what there is of an ask that has hardly begun', () => {
    const { recording } = begin();
    recording.fail(new AppError('NOT_FOUND', 'No.'));
    expect(recordOf(recording, true)).toMatchObject({
      id: recording.id,
      key_id: 'somebody',
      question: 'Who?',
      answer: null,
      sources: [],
      error: 'NOT_FOUND',
      finish_reason: null,
      cost_usd: '0.000000000000',
      timings: null,
      attempts: 0,
    });
    expect(recordOf(recording, false).question).toBeNull();
  });

  it('sums what finding and answering cost, to the last digit', () => {
    const { recording } = begin();
    const counts = {
      inputTokens: 1,
      outputTokens: 2,
      cacheReadTokens: 3,
      cacheWriteTokens: 4,
      embeddingTokens: 5,
    };
    recording.findingCalls.push({ ...counts, costUsd: '0.000000000001' });
    recording.answerCalls.push({ ...counts, costUsd: '12345678.100000000000' });
    expect(recordOf(recording, true)).toMatchObject({
      cost_usd: '12345678.100000000001',
      usage: { input_tokens: 2, output_tokens: 4, embedding_tokens: 10 },
      attempts: 1,
    });
    recording.answerCalls.push({ ...counts, costUsd: null });
    expect(recordOf(recording, true).cost_usd).toBeNull();
  });
});
