// Faked: the Hub, by a `fetch` that answers from a table. The files and folders are real.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError } from '../config/index.js';
import { downloadModel } from './hub-download.js';

const HUB = 'https://huggingface.co';
const SHA = 'a'.repeat(40);
const LIST = `${HUB}/api/models/org/tiny/revision/main?blobs=true`;
const WEIGHTS = 'weights';
const sha256 = createHash('sha256').update(WEIGHTS).digest('hex');
const sibling = (rfilename: string, content: string, lfs?: object): object => ({
  rfilename,
  size: content.length,
  ...(lfs === undefined ? {} : { lfs }),
});
const SIBLINGS = [
  sibling('onnx/model.onnx', WEIGHTS, { sha256 }),
  sibling('onnx/model_quantized.onnx', 'not wanted'),
  sibling('pytorch_model.bin', 'not wanted'),
  sibling('tokenizer.json', '{}'),
  sibling('1_Pooling/config.json', '{}'),
  sibling('../../evil', 'not wanted'),
];
const file = (name: string): string => `${HUB}/org/tiny/resolve/${SHA}/${name}`;
const redirect = (to: string): Response => new Response(null, { status: 302, headers: { location: to } });

describe('the download of a model', () => {
  let parent: string;
  let folder: string;
  let answers: Record<string, () => Response>;
  const asked: string[] = [];
  const fetch = (url: string): Promise<Response> => {
    asked.push(url);
    return Promise.resolve(answers[url]?.() ?? new Response('', { status: 404 }));
  };
  const download = (): Promise<void> =>
    downloadModel({ repository: 'org/tiny', revision: 'main' }, folder, fetch);

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'footnote-hub-'));
    folder = join(parent, 'org', 'tiny');
    asked.length = 0;
    answers = {
      [LIST]: () => Response.json({ sha: SHA, siblings: SIBLINGS }),
      [file('onnx/model.onnx')]: () => redirect('https://cas-bridge.xethub.hf.co/weights'),
      'https://cas-bridge.xethub.hf.co/weights': () => new Response(WEIGHTS),
      [file('tokenizer.json')]: () => new Response('{}'),
      [file('1_Pooling/config.json')]: () => new Response('{}'),
    };
  });
  afterEach(() => rm(parent, { recursive: true, force: true }));

  it('gets what is needed of the commit that the revision is', async () => {
    await download();
    expect(await readFile(join(folder, 'onnx/model.onnx'), 'utf8')).toBe(WEIGHTS);
    expect((await readdir(folder, { recursive: true })).sort()).toEqual([
      '1_Pooling',
      '1_Pooling/config.json',
      'onnx',
      'onnx/model.onnx',
      'tokenizer.json',
    ]);
    expect(asked).toHaveLength(5);
    expect(await readdir(join(parent, 'org'))).toEqual(['tiny']);
  });

  it.each<[string, () => void, RegExp]>([
    ['is not there', () => delete answers[LIST], /answered with 404/],
    [
      'has no ONNX file',
      () => (answers[LIST] = () => Response.json({ sha: SHA, siblings: [sibling('model.bin', '')] })),
      /it has none of onnx\/model\.onnx/,
    ],
    [
      'has a list that is none',
      () => (answers[LIST] = () => Response.json({ sha: '../..', siblings: [] })),
      /list of its files cannot be read/,
    ],
    [
      'is redirected elsewhere',
      () => (answers[file('onnx/model.onnx')] = () => redirect('https://evil.example.com/weights')),
      /redirected to https:\/\/evil\.example\.com/,
    ],
    [
      'is redirected to a name that ends alike',
      () => (answers[file('onnx/model.onnx')] = () => redirect('https://nothf.co/weights')),
      /redirected to https:\/\/nothf\.co/,
    ],
    [
      'is redirected in a circle',
      () => (answers[file('tokenizer.json')] = () => redirect(file('tokenizer.json'))),
      /too often/,
    ],
    [
      'comes shorter than it should',
      () => (answers['https://cas-bridge.xethub.hf.co/weights'] = () => new Response('weigh')),
      /has 5 bytes instead of 7/,
    ],
    [
      'comes with another content',
      () => (answers['https://cas-bridge.xethub.hf.co/weights'] = () => new Response('WEIGHTS')),
      /is not the file that the list names/,
    ],
    [
      'is too large',
      () => (answers[file('tokenizer.json')] = () => new Response(new Uint8Array(65 * 1024 * 1024))),
      /larger than 64 MB/,
    ],
    [
      'breaks off',
      () =>
        (answers[file('tokenizer.json')] = () => {
          throw new TypeError('fetch failed', { cause: new Error('ENOTFOUND huggingface.co') });
        }),
      /fetch failed \(ENOTFOUND huggingface\.co\)/,
    ],
  ])('of one that %s leaves nothing behind, and says what to do', async (_what, change, message) => {
    change();
    const error: unknown = await download().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).toContain(`put its files into ${folder}`);
    expect(existsSync(folder)).toBe(false);
    expect(await readdir(join(parent, 'org'))).toEqual([]);
  });

  it('of two processes at the same time ends well for both', async () => {
    await Promise.all([download(), download()]);
    expect(await readdir(join(parent, 'org'))).toEqual(['tiny']);
  });
});
