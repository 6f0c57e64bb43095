// Real: the built service as a process of its own, and files of every format, mutated. `npm run fuzz` sends 2,000; a
// test run a few of each. Nothing may crash, hang, answer 5xx, or stay in memory.
import { readdir, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mapLimit } from '../src/common/index.js';
import type { AcceptedDocumentsDto } from '../src/documents/dto/document.dto.js';
import { type ApiClient, createStorage, type Storage } from './support/app.js';
import { type ServiceProcess, spawnService } from './support/service-process.js';

const FOLDER = new URL('./fixtures/documents/', import.meta.url);
const FILES = Number(process.env['FUZZ_FILES'] ?? 80);
const AT_ONCE = 4;
const LARGEST_GROWTH = 400 * 1024 * 1024;

let seed = 99;
function random(below: number): number {
  // a linear congruential generator (Numerical Recipes): the same mutations in every run
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor((seed / 2 ** 32) * below);
}

/** The ways in which files break: bits flip, they end early, pieces are lost, doubled, or overwritten. */
const MUTATIONS: ((bytes: Buffer) => Buffer)[] = [
  (bytes) => {
    const mutated = Buffer.from(bytes);
    for (let flips = 1 + random(20); flips > 0; flips--) mutated[random(mutated.length)]! ^= 1 << random(8);
    return mutated;
  },
  (bytes) => bytes.subarray(0, random(bytes.length)),
  (bytes) => {
    const at = random(bytes.length);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random(200))]);
  },
  (bytes) => {
    const at = random(bytes.length);
    const piece = bytes.subarray(at, at + 1 + random(2000));
    return Buffer.concat([
      bytes.subarray(0, at),
      ...Array<Buffer>(1 + random(50)).fill(piece),
      bytes.subarray(at),
    ]);
  },
  (bytes) => {
    const mutated = Buffer.from(bytes);
    const at = random(bytes.length);
    mutated.fill(random(256), at, Math.min(at + 1 + random(100), mutated.length));
    return mutated;
  },
];

describe('mutated files', () => {
  let storage: Storage;
  let service: ServiceProcess;
  let client: ApiClient;
  let names: string[];
  beforeAll(async () => {
    storage = await createStorage();
    service = spawnService(storage.env);
    client = await service.ready();
    names = (await readdir(FOLDER)).filter((name) => !/source|make/.test(name)).sort();
  });
  afterAll(async () => {
    await service[Symbol.asyncDispose]();
    await storage.remove();
  });

  async function send(name: string, bytes: Buffer, id: string): Promise<number> {
    const form = new FormData();
    form.set('external_id', id);
    form.append('file', new Blob([new Uint8Array(bytes)]), name);
    const reply = await client.send<AcceptedDocumentsDto>('/documents?wait=true', {
      method: 'POST',
      body: form,
    });
    expect([201, 415, 422], `${id}: ${JSON.stringify(reply.body)}`).toContain(reply.status);
    return reply.status;
  }

  async function residentBytes(): Promise<number> {
    const { body } = await client.get<string>('/metrics', { accept: 'text/plain' });
    return Number(/^process_resident_memory_bytes (\S+)$/m.exec(body)?.[1]);
  }

  it(`${FILES} of all formats: each is read or refused, and the service stays as it was`, async () => {
    const originals = await Promise.all(names.map((name) => readFile(new URL(name, FOLDER))));
    for (const [index, name] of names.entries()) await send(name, originals[index]!, name);
    const before = await residentBytes();
    const cases = Array.from({ length: FILES }, (_, index) => {
      const file = index % names.length;
      const mutate = MUTATIONS[random(MUTATIONS.length)]!;
      return { name: names[file]!, bytes: mutate(originals[file]!), id: `${names[file]!}-${index}` };
    });
    const statuses = await mapLimit(cases, AT_ONCE, ({ name, bytes, id }) => send(name, bytes, id));
    const read = statuses.filter((status) => status === 201).length;
    process.stdout.write(`${FILES} mutated files: ${read} read, ${FILES - read} refused, `);
    process.stdout.write(`grown by ${Math.round(((await residentBytes()) - before) / 2 ** 20)} MB\n`);
    // both happen, or nothing was tested
    expect(read).toBeGreaterThan(0);
    expect(read).toBeLessThan(FILES);
    expect((await residentBytes()) - before).toBeLessThan(LARGEST_GROWTH);
    expect((await client.get('/health/ready')).status).toBe(200);
    expect((await client.search('travel allowance')).length).toBeGreaterThan(0);
    expect(service.log).not.toContain('could not be read: ');
  }, 1_800_000);
});
