// Real: files. The service is a stand-in that keeps what it is sent.
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DocumentDto } from '../../documents/index.js';
import { FileRefusedError, StopError } from '../errors.js';
import { FileFinder, type IngestFile } from './file-finder.js';
import { Ingester } from './ingester.js';
import type { ServiceClient } from './service-client.js';
import { readSources } from './sources.js';
import { Tally } from './tally.js';

const signal = AbortSignal.timeout(60_000);
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A service that knows documents by external_id, and makes ready or fails what it is asked about. */
class StandIn {
  readonly sent: string[] = [];
  progress = 0;
  refuses: Error | undefined;
  gets: Partial<DocumentDto> | undefined = { status: 'ready', error: null };

  constructor(readonly known: Record<string, Pick<DocumentDto, 'content_sha256' | 'status'>> = {}) {}

  get client(): ServiceClient {
    return {
      progressed: () => this.progress++,
      documents: () => this.list(),
      document: (id: string) => Promise.resolve(this.gets === undefined ? undefined : { id, ...this.gets }),
      send: async ({ id }: IngestFile) => {
        await Promise.resolve();
        if (this.refuses !== undefined) throw this.refuses;
        this.sent.push(id);
        return id;
      },
    } as unknown as ServiceClient;
  }

  private async *list(): AsyncGenerator<Partial<DocumentDto>> {
    await Promise.resolve();
    yield { external_id: null, id: 'unnamed' };
    for (const [id, document] of Object.entries(this.known)) yield { external_id: id, id, ...document };
  }
}

describe('Ingester', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'footnote-ingester-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function run(
    service: StandIn,
    files: Record<string, string>,
  ): Promise<{ tally: Tally; again: () => Promise<Tally> }> {
    for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
    const finder = new FileFinder(await readSources(['*'], folder));
    const found = (await finder.all()).map((file) => ({ ...file, id: file.id.replace(/^.*\//, '') }));
    const ingester = new Ingester(service.client, 'c', { ownsId: () => true } as unknown as FileFinder);
    await ingester.learn(signal);
    const again = async (): Promise<Tally> => {
      const tally = new Tally(found.length);
      await ingester.run(found, tally, () => undefined, signal);
      return tally;
    };
    return { tally: await again(), again };
  }

  it('sends what the service does not have, has otherwise, or could not read', async () => {
    const service = new StandIn({
      'changed.md': { content_sha256: sha256('before'), status: 'ready' },
      'failed.md': { content_sha256: sha256('failed'), status: 'failed' },
      'processing.md': { content_sha256: sha256('processing'), status: 'processing' },
      'queued.md': { content_sha256: sha256('queued'), status: 'queued' },
      'same.md': { content_sha256: sha256('same'), status: 'ready' },
    });
    const names = ['changed', 'failed', 'new', 'processing', 'queued', 'same'];
    const { tally } = await run(service, Object.fromEntries(names.map((name) => [`${name}.md`, name])));
    expect(service.sent.toSorted()).toEqual(['changed.md', 'failed.md', 'new.md']);
    expect(tally).toMatchObject({ ready: 5, unchanged: 1, failed: 0 });
  });

  it('learns from what it sends', async () => {
    const service = new StandIn();
    service.gets = { status: 'ready', content_sha256: sha256('a') };
    const { tally, again } = await run(service, { 'a.md': 'a' });
    expect(tally).toMatchObject({ ready: 1 });
    expect(await again()).toMatchObject({ ready: 0, unchanged: 1 });
    expect(service.sent).toEqual(['a.md']);
    service.gets = { status: 'failed', error: 'No.', content_sha256: sha256('b') };
    await writeFile(join(folder, 'a.md'), 'b');
    expect(await again()).toMatchObject({ failed: 1 });
    expect(await again()).toMatchObject({ failed: 1 });
    expect(service.sent).toHaveLength(3);
  });

  it('takes it for progress when a run begins, and when a file is done', async () => {
    const service = new StandIn({ 'a.md': { content_sha256: sha256('a'), status: 'ready' } });
    const { again } = await run(service, { 'a.md': 'a' });
    const before = service.progress;
    await again();
    expect(service.progress).toBe(before + 2);
  });

  it('goes on when a file is refused or deleted, and tells why', async () => {
    const refusing = new StandIn();
    refusing.refuses = new FileRefusedError('Too large.');
    const { tally } = await run(refusing, { 'a.md': 'a', 'b.md': 'b' });
    expect(tally.summary((path) => path)).toContain('a.md: Too large.');
    expect(tally).toMatchObject({ failed: 2 });
    const forgetting = new StandIn();
    forgetting.gets = undefined;
    expect((await run(forgetting, {})).tally).toMatchObject({ failed: 2 });
  });

  it('ends when the service cannot be reached', async () => {
    const service = new StandIn({ 'queued.md': { content_sha256: sha256('q'), status: 'queued' } });
    service.refuses = new StopError('gone');
    service.gets = { status: 'queued' };
    await expect(run(service, { 'queued.md': 'q', 'a.md': 'a' })).rejects.toThrow(StopError);
  });
});
