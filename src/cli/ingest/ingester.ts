import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { DocumentDto } from '../../documents/index.js';
import { FileRefusedError, messageOf, StopError } from '../errors.js';
import type { FileFinder, IngestFile } from './file-finder.js';
import { Follower } from './follower.js';
import type { ServiceClient } from './service-client.js';
import type { Outcome, Tally } from './tally.js';

/** A document that the service has. */
type KnownDocument = Pick<DocumentDto, 'id' | 'content_sha256' | 'status'>;

/** How far a run is. */
export interface RunState {
  tally: Tally;
  /** Documents that are being made searchable. */
  readonly waiting: number;
}

const SENT_AT_ONCE = 4;

/** Sends what the service does not have, and waits until it is searchable. */
export class Ingester {
  /** By external_id: what the service has of our files. */
  readonly #known = new Map<string, KnownDocument>();

  constructor(
    private readonly client: ServiceClient,
    private readonly collection: string,
    private readonly finder: FileFinder,
  ) {}

  /** Learns what the service has already. @throws StopError */
  async learn(signal: AbortSignal): Promise<void> {
    for await (const { external_id, id, content_sha256, status } of this.client.documents(
      this.collection,
      signal,
    ))
      if (external_id !== null && this.finder.ownsId(external_id))
        this.#known.set(external_id, { id, content_sha256, status });
  }

  /**
   * Brings files in.
   * @param begin is told where to look up how far it is
   * @throws StopError when it cannot go on; the signal's reason when aborted
   */
  async run(
    files: readonly IngestFile[],
    tally: Tally,
    begin: (state: RunState) => void,
    signal: AbortSignal,
  ): Promise<void> {
    // an hour in which there was nothing to do is none without progress
    this.client.progressed();
    const failure = new AbortController();
    const both = AbortSignal.any([signal, failure.signal]);
    const follower = new Follower(this.client, (file, document) => this.#settle(file, document, tally));
    begin({
      tally,
      get waiting() {
        return follower.waiting;
      },
    });
    const next = files.values();
    const sender = async (): Promise<void> => {
      for (const file of next) await this.#bring(file, follower, tally, both);
    };
    const sending = Promise.all(Array.from({ length: SENT_AT_ONCE }, sender)).then(() => follower.complete());
    const stop = (error: unknown): void => failure.abort(error);
    await Promise.allSettled([sending.catch(stop), follower.run(both).catch(stop)]);
    both.throwIfAborted();
  }

  async #bring(file: IngestFile, follower: Follower, tally: Tally, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    try {
      const sha256 = await sha256Of(file.path, signal);
      const known = this.#known.get(file.id);
      if (known === undefined || known.content_sha256 !== sha256 || known.status === 'failed') {
        const id = await this.client.send(file, this.collection, signal);
        this.#known.set(file.id, { id, content_sha256: sha256, status: 'queued' });
        follower.add(id, file);
      } else if (known.status === 'ready') this.#note({ file, result: 'unchanged' }, tally);
      else follower.add(known.id, file);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof StopError) throw error;
      this.#note({ file, result: 'failed', reason: reasonOf(error) }, tally);
    }
  }

  #settle(file: IngestFile, document: DocumentDto | undefined, tally: Tally): void {
    if (document === undefined) {
      this.#known.delete(file.id);
      this.#note({ file, result: 'failed', reason: 'It was deleted from the service.' }, tally);
      return;
    }
    const { id, content_sha256, status, error } = document;
    this.#known.set(file.id, { id, content_sha256, status });
    if (status === 'ready') this.#note({ file, result: 'ready' }, tally);
    else this.#note({ file, result: 'failed', reason: error ?? 'The service does not say why.' }, tally);
  }

  #note(outcome: Outcome, tally: Tally): void {
    this.client.progressed();
    tally.add(outcome);
  }
}

function reasonOf(error: unknown): string {
  return error instanceof FileRefusedError ? error.message : messageOf(error);
}

async function sha256Of(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const bytes of createReadStream(path, { signal })) hash.update(bytes as Buffer);
  return hash.digest('hex');
}
