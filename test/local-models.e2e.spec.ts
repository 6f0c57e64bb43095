// Real: the ONNX runtime, the tokenizers and the processes that they run in; the models are tiny ones of our own, whose
// values can be worked out by hand (test/fixtures/local-models/make.py).
import { existsSync } from 'node:fs';
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text as readAll } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError } from '../src/config/index.js';
import type { EmbeddingCall } from '../src/embeddings/embedding-model.js';
import { LocalCrossEncoder } from '../src/local-models/index.js';
import { LocalEmbeddingModel } from '../src/embeddings/providers/local.provider.js';
import { startApp } from './support/app.js';
import { hasRuntime, LOCAL_MODELS, ModelFolder, modelProcesses } from './support/local-models.js';
import { poll } from './support/poll.js';

const ENCODER = join(LOCAL_MODELS, 'encoder');
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const never = new AbortController().signal;
const SETTINGS = {
  openaiApiKey: undefined,
  openaiBaseUrl: undefined,
  maxRetries: 0,
  timeoutMs: 20_000,
  firstTokenTimeoutMs: 20_000,
  modelsDir: '/nowhere',
  maxConcurrency: 4,
  maxQueue: 16,
};

const open: LocalEmbeddingModel[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((model) => model.close()));
  await poll('no process is left', () => modelProcesses().length === 0);
});

function model(folder: string, settings: Partial<typeof SETTINGS> = {}): LocalEmbeddingModel {
  const created = new LocalEmbeddingModel(folder, { ...SETTINGS, ...settings });
  open.push(created);
  return created;
}

async function embedOne(
  folder: string,
  text: string,
  kind: 'query' | 'document' = 'document',
): Promise<number[]> {
  const { vectors } = await model(folder).embed([text], kind, never);
  return [...vectors[0]!];
}

/** Of length 1, by its values on some axes. */
function direction(values: Record<number, number>): number[] {
  const norm = Math.hypot(...Object.values(values));
  return Array.from({ length: 8 }, (_, axis) => (values[axis] ?? 0) / norm);
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(actual.length).toBe(expected.length);
  for (let index = 0; index < expected.length; index++)
    expect(actual[index]).toBeCloseTo(expected[index]!, 5);
}

describe.skipIf(!hasRuntime)('a local embedding model', () => {
  // of "[CLS] car [SEP]" the mean is (e1 + 0.1 e6 + 0.1 e7) / 3, which the model adds to each token's row
  it.each([
    ['mean', { pooling_mode_mean_tokens: true }, { 1: 1, 6: 0.1, 7: 0.1 }],
    ['cls', { pooling_mode_cls_token: true, pooling_mode_mean_tokens: false }, { 1: 1, 6: 0.4, 7: 0.1 }],
    ['last token', { pooling_mode_lasttoken: true }, { 1: 1, 6: 0.1, 7: 0.4 }],
  ])('pools by %s as its configuration says, and is L2-normalised', async (_mode, pooling, expected) => {
    await using folder = await ModelFolder.copy('encoder', { '1_Pooling/config.json': pooling });
    expectClose(await embedOne(folder.path, 'car'), direction(expected));
    const { vectors } = await model(folder.path).embed(
      ['car', 'the canteen opens at noon'],
      'document',
      never,
    );
    expectClose(vectors[0]!, direction(expected));
  });

  it('pools as its family does where its files do not say how', async () => {
    const silent = { 'modules.json': null, '1_Pooling': null };
    await using bge = await ModelFolder.copy('encoder', silent, 'bge-small-en-v1.5');
    await using other = await ModelFolder.copy('encoder', silent);
    expectClose(await embedOne(bge.path, 'car'), direction({ 1: 1, 6: 0.4, 7: 0.1 }));
    expectClose(await embedOne(other.path, 'car'), direction({ 1: 1, 6: 0.1, 7: 0.1 }));
  });

  it('gives a text the same vector alone and in any batch, in the order of the texts', async () => {
    const words = ['car', 'doctor', 'noon', 'salary', 'holiday', 'the', 'unheard', 'canteen'];
    const texts = Array.from({ length: 37 }, (_, index) =>
      Array.from({ length: (index * 5) % 19 }, (_unused, word) => words[(index + word) % words.length]).join(
        ' ',
      ),
    );
    const encoder = model(ENCODER);
    const { vectors, tokens, estimated } = await encoder.embed(texts, 'document', never);
    expect([vectors.length, tokens, estimated]).toEqual([37, 0, false]);
    for (const [index, text] of texts.entries()) {
      const alone = await encoder.embed([text], 'document', never);
      expectClose(vectors[index]!, alone.vectors[0]!);
      expect(Math.hypot(...vectors[index]!)).toBeCloseTo(1, 5);
    }
    expect((await encoder.embed([], 'document', never)).vectors).toEqual([]);
    expect(modelProcesses()).toHaveLength(1);
  });

  it('cuts a long text off at its longest input, and keeps the special tokens', async () => {
    // 16 tokens, two of them special
    const encoder = model(ENCODER);
    const fits = 'car '.repeat(14);
    const { vectors } = await encoder.embed([fits, `${fits} ${'doctor '.repeat(500)}`], 'document', never);
    expect(vectors[0]).toEqual(vectors[1]);
    expectClose(vectors[0]!, direction({ 1: 14, 6: 0.1, 7: 0.1 }));
  });

  it.each([
    ['by its configuration', { prompts: { query: 'query: ', document: 'passage: ' } }, 'tiny'],
    ['by the older name of a document', { prompts: { query: 'query: ', passage: 'passage: ' } }, 'tiny'],
    ['by its family', { prompts: { query: '', document: '' } }, 'e5-small-v2'],
  ])('puts the prefix of a query or a passage before the text, %s', async (_how, config, name) => {
    await using folder = await ModelFolder.copy(
      'encoder',
      { 'config_sentence_transformers.json': config },
      name,
    );
    expectClose(await embedOne(folder.path, 'car', 'query'), await embedOne(ENCODER, 'query: car'));
    expectClose(await embedOne(folder.path, 'car', 'document'), await embedOne(ENCODER, 'passage: car'));
  });

  it('takes a quantised model where there is no other', async () => {
    await using folder = await ModelFolder.copy('encoder', {});
    await cp(join(folder.path, 'onnx/model.onnx'), join(folder.path, 'onnx/model_quantized.onnx'));
    await rm(join(folder.path, 'onnx/model.onnx'));
    expectClose(await embedOne(folder.path, 'car'), direction({ 1: 1, 6: 0.1, 7: 0.1 }));
  });

  it.each([
    ['no ONNX file', { 'onnx/model.onnx': null }, /there is none of onnx\/model\.onnx/],
    ['a cut-off ONNX file', { 'onnx/model.onnx': 'oops' }, /could not be loaded/],
    ['no tokenizer', { 'tokenizer.json': null }, /has no tokenizer\.json/],
    ['a broken tokenizer', { 'tokenizer.json': '{"model": ' }, /could not be loaded/],
    ['a broken configuration', { 'config.json': '<html>' }, /config\.json is not what it should be/],
    ['another kind of pooling', { '1_Pooling/config.json': { pooling_mode_max_tokens: true } }, /max_tokens/],
    [
      'a layer that is not in the ONNX file',
      { 'modules.json': [{ type: 'sentence_transformers.models.Dense', path: '2_Dense' }] },
      /models\.Dense, which is not supported/,
    ],
  ])('with %s cannot be used, and says so', async (_what, files, message) => {
    await using folder = await ModelFolder.copy('encoder', files);
    const load = async (): Promise<void> => model(folder.path).load();
    const error: unknown = await load().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).toContain(message.source.includes('could not') ? 'local/' : folder.path);
  });

  it('whose inputs are others cannot be used, and says so', async () => {
    await using folder = await ModelFolder.copy('encoder', {});
    await cp(join(LOCAL_MODELS, 'cross-encoder/onnx/model.onnx'), join(folder.path, 'onnx/model.onnx'));
    await expect(model(folder.path).load()).rejects.toThrow(ConfigError);
  });
});

describe.skipIf(!hasRuntime)("a local model's process", () => {
  const settle = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error);
  let encoder: LocalEmbeddingModel;
  let calls: EmbeddingCall[];
  const embed = (texts = ['car'], signal = never): Promise<unknown> =>
    encoder.embed(texts, 'query', signal, () => Promise.resolve((call) => void calls.push(call)));
  const child = (): number => modelProcesses()[0]!;
  async function start(settings: Partial<typeof SETTINGS> = {}): Promise<void> {
    encoder = model(ENCODER, settings);
    await encoder.load();
  }
  beforeEach(() => {
    calls = [];
  });

  it('that crashes fails the call, which may be tried again: the next one starts it anew', async () => {
    await start();
    const first = child();
    process.kill(first, 'SIGSTOP');
    const failed = settle(embed());
    process.kill(first, 'SIGKILL');
    expect(await failed).toMatchObject({ name: 'ModelError', kind: 'server_error', isRetryable: true });
    await embed();
    expect(child()).not.toBe(first);
    expect(calls.map(({ outcome, error, tokens }) => [outcome, error, tokens])).toEqual([
      ['failed', 'server_error', 0],
      ['ok', null, 0],
    ]);
  });

  it('that crashes while it has nothing to do is started anew unnoticed', async () => {
    await start();
    const first = child();
    process.kill(first, 'SIGKILL');
    await poll('it has ended and was waited for', () => !existsSync(`/proc/${first}`));
    await embed();
    expect(calls).toMatchObject([{ outcome: 'ok' }]);
  });

  it('that hangs is ended after its time', async () => {
    await start({ timeoutMs: 300 });
    process.kill(child(), 'SIGSTOP');
    expect(await settle(embed())).toMatchObject({ kind: 'timeout', isRetryable: true });
    await embed();
    expect(calls).toMatchObject([{ outcome: 'failed', error: 'timeout' }, { outcome: 'ok' }]);
  });

  it('goes on when a call is aborted, which ends at once and computes no further batch', async () => {
    await start();
    const first = child();
    process.kill(first, 'SIGSTOP');
    const controller = new AbortController();
    const aborted = settle(
      embed(
        Array.from({ length: 1000 }, () => 'car'),
        controller.signal,
      ),
    );
    const next = embed();
    controller.abort(new Error('left'));
    expect(await aborted).toMatchObject({ message: 'left' });
    process.kill(first, 'SIGCONT');
    await next;
    expect(child()).toBe(first);
    expect(calls.map(({ outcome }) => outcome)).toEqual(['aborted', 'ok']);
    expect(await settle(embed(['car'], controller.signal))).toMatchObject({ message: 'left' });
  });

  it('refuses more than may wait', async () => {
    await start({ maxQueue: 1 });
    process.kill(child(), 'SIGSTOP');
    const [first, second] = [embed(), embed()];
    expect(await settle(embed())).toMatchObject({ kind: 'overloaded', retryAfterMs: 1000 });
    process.kill(child(), 'SIGCONT');
    await Promise.all([first, second]);
  });

  it('leaves the event loop free while it computes', async () => {
    await start();
    let longest = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 5);
    await embed(Array.from({ length: 500 }, () => 'the canteen opens at noon on weekdays'));
    clearInterval(timer);
    expect(longest).toBeLessThan(500);
  });
});

describe.skipIf(!hasRuntime)('a local cross-encoder', () => {
  it('scores pairs of a query and a passage, in order, also those that are too long', async () => {
    const scorer = new LocalCrossEncoder(join(LOCAL_MODELS, 'cross-encoder'), {
      timeoutMs: 20_000,
      loadTimeoutMs: 20_000,
      maxQueue: 4,
    });
    try {
      const passages = ['doctor', 'the automobile', 'vehicle', `vehicle ${'doctor '.repeat(300)}`];
      const scores = await scorer.score('car', [...passages, ...passages, ...passages], never);
      expect(scores).toHaveLength(12);
      expectClose(scores.slice(0, 4), scores.slice(8));
      // [CLS] car [SEP] and vehicle [SEP]: 4 (e1/3 + 0.1 e6/3 + 0.1 e7/3) · (e1/2 + 0.1 e7/2)
      expect(scores[2]).toBeCloseTo((4 * (1 + 0.01)) / 6, 5);
      expect(scores[1]).toBeLessThan(scores[2]!);
      expect(scores[0]).toBeLessThan(0.1);
      expect(scores[3]).toBeGreaterThan(0);
      expect(scores[3]).toBeLessThan(scores[1]!);
    } finally {
      scorer.close();
    }
  });
});

describe('EMBEDDING_MODEL=local/<folder>', () => {
  it.skipIf(!hasRuntime)(
    'finds a document by its meaning, and costs nothing',
    async () => {
      const app = await startApp({ EMBEDDING_MODEL: `local/${ENCODER}`, BUDGET_DAILY_USD: '1' });
      try {
        const { id } = await app.addDocument({ title: 'Time off', text: 'Employees: 30 days holiday.' });
        await app.addDocument({ title: 'Lunch', text: 'The canteen opens at noon on weekdays.' });
        const hits = await app.search('vacation');
        expect(hits[0]).toMatchObject({ document_id: id });
        expect((await app.search('midday cafeteria'))[0]).toMatchObject({ title: 'Lunch' });
        expect((await app.get('/collections/default')).body).toMatchObject({
          embedding_model: `local/${ENCODER}`,
          dimensions: 8,
        });
        const rows = await app.ledger();
        expect(rows.length).toBeGreaterThanOrEqual(4);
        for (const row of rows)
          expect(row).toMatchObject({ outcome: 'ok', embedding_tokens: 0, error: null });
        expect(rows.map(({ cost_usd }) => Number(cost_usd))).toEqual(rows.map(() => 0));
      } finally {
        await app.stop();
      }
    },
    60_000,
  );

  it('stops the start in one line when the folder is not there', async () => {
    await expect(startApp({ EMBEDDING_MODEL: 'local//nowhere/model' })).rejects.toThrow(
      /local\/\/nowhere\/model is not there: there is no folder \/nowhere\/model/,
    );
    await expect(startApp({ EMBEDDING_MODEL: 'local/nobody' })).rejects.toThrow(ConfigError);
  }, 60_000);

  it('stops the start with what to install when the packages are not there', async () => {
    const elsewhere = await mkdtemp(join(tmpdir(), 'footnote-without-'));
    try {
      for (const name of ['dist', 'package.json'])
        await cp(join(ROOT, name), join(elsewhere, name), { recursive: true });
      await symlink(join(ROOT, 'node_modules'), join(elsewhere, 'node_modules'));
      const service = spawn(process.execPath, [join(elsewhere, 'dist', 'main.js')], {
        cwd: elsewhere,
        env: { PORT: '0', DATA_DIR: join(elsewhere, 'data'), EMBEDDING_MODEL: `local/${ENCODER}` },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      const [log, [code]] = await Promise.all([readAll(service.stderr), once(service, 'exit')]);
      expect(code).toBe(1);
      expect(log.trim()).toBe(
        `The model local/${ENCODER} needs packages that are not installed. Install them with: npm run local-models`,
      );
    } finally {
      await rm(elsewhere, { recursive: true, force: true });
    }
  }, 60_000);
});
