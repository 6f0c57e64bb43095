import { setTimeout as sleep } from 'node:timers/promises';
import { mapLimit } from '../../src/common/concurrency/map-limit.js';
import type { CollectionDto } from '../../src/documents/dto/collection.dto.js';
import type { DocumentListDto } from '../../src/documents/dto/document.dto.js';
import { get, makeCollection } from './footnote.js';

export interface Upload {
  collection: string;
  name: string;
  bytes: Uint8Array<ArrayBuffer>;
}

/** What it took from the first byte sent to the last document searchable. */
export interface Ingestion {
  documents: number;
  megabytes: number;
  chunks: number;
  seconds: number;
}

const FILES_A_REQUEST = 20;
const REQUESTS_AT_ONCE = 2;

/** Uploads files into new collections, and waits until all are searchable. @throws when one is not */
export async function ingestFiles(url: string, uploads: readonly Upload[]): Promise<Ingestion> {
  const collections = Map.groupBy(uploads, ({ collection }) => collection);
  for (const collection of collections.keys()) await makeCollection(url, collection);
  const started = performance.now();
  const requests = [...collections].flatMap(([collection, files]) =>
    Array.from({ length: Math.ceil(files.length / FILES_A_REQUEST) }, (_, index) => ({
      collection,
      files: files.slice(index * FILES_A_REQUEST, (index + 1) * FILES_A_REQUEST),
    })),
  );
  await mapLimit(requests, REQUESTS_AT_ONCE, async ({ collection, files }) => {
    const form = new FormData();
    form.set('collection', collection);
    for (const { name, bytes } of files) form.append('file', new Blob([bytes]), name);
    const response = await fetch(`${url}/documents`, { method: 'POST', body: form });
    if (response.status !== 202)
      throw new Error(`POST /documents answered ${response.status}: ${await response.text()}`);
  });
  const isLeft = async (status: string): Promise<boolean> => {
    const list = await get<DocumentListDto>(`${url}/documents?status=${status}&limit=1`);
    return list.documents.length > 0;
  };
  while ((await isLeft('queued')) || (await isLeft('processing'))) await sleep(50);
  const seconds = (performance.now() - started) / 1000;
  if (await isLeft('failed')) throw new Error('not every document could be read');
  let documents = 0;
  let chunks = 0;
  for (const collection of collections.keys()) {
    const counts = await get<CollectionDto>(`${url}/collections/${collection}`);
    documents += counts.documents;
    chunks += counts.chunks;
  }
  if (documents !== uploads.length) throw new Error(`${documents} of ${uploads.length} documents are there`);
  const bytes = uploads.reduce((sum, upload) => sum + upload.bytes.length, 0);
  return { documents, chunks, megabytes: bytes / 1e6, seconds };
}
