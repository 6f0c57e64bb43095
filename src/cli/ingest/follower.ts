import { setTimeout as wait } from 'node:timers/promises';
import type { DocumentDto } from '../../documents/index.js';
import type { IngestFile } from './file-finder.js';
import type { ServiceClient } from './service-client.js';

const ROUND_MS = 500;
const AT_ONCE = 4;
/** Where this many are found unfinished, those behind them are most likely unfinished too. */
const MOST_UNFINISHED = 4;

/**
 * Waits for documents until they are ready or failed. The service works on them in the order in which it got them, so
 * each round looks at the oldest ones, and goes on to the next for as long as it finds finished ones: about one request
 * a document, and a handful a round, however many wait. Where the order is another one, because some of them have
 * been sent before, a second look wanders through all of them.
 */
export class Follower {
  /** By document id, in the order in which they were sent. */
  readonly #waiting = new Map<string, IngestFile>();
  #wandering: Iterator<[string, IngestFile]> = this.#waiting.entries();
  #isComplete = false;

  /** @param settle is told each finished document; undefined for one that is there no more */
  constructor(
    private readonly client: ServiceClient,
    private readonly settle: (file: IngestFile, document: DocumentDto | undefined) => void,
  ) {}

  /** Documents that are waited for. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Waits for this document too. */
  add(documentId: string, file: IngestFile): void {
    this.#waiting.set(documentId, file);
  }

  /** No more will be added. */
  complete(): void {
    this.#isComplete = true;
  }

  /** Waits until no more will be added and all are finished. */
  async run(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#look(this.#waiting.entries(), signal);
      if (await this.#look(this.#wandering, signal)) this.#wandering = this.#waiting.entries();
      if (this.#isComplete && this.#waiting.size === 0) return;
      await wait(ROUND_MS, undefined, { signal });
    }
  }

  /** Looks at documents until enough are found unfinished. @returns whether it came to the end */
  async #look(documents: Iterator<[string, IngestFile]>, signal: AbortSignal): Promise<boolean> {
    let unfinished = 0;
    let isAtEnd = false;
    const worker = async (): Promise<void> => {
      while (unfinished < MOST_UNFINISHED && !isAtEnd) {
        const next = documents.next();
        if (next.done === true) isAtEnd = true;
        else if (!(await this.#isFinished(...next.value, signal))) unfinished++;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    return isAtEnd;
  }

  async #isFinished(documentId: string, file: IngestFile, signal: AbortSignal): Promise<boolean> {
    const document = await this.client.document(documentId, signal);
    if (document !== undefined && document.status !== 'ready' && document.status !== 'failed') return false;
    // it may have been sent anew meanwhile, as another file
    if (this.#waiting.get(documentId) !== file) return false;
    this.#waiting.delete(documentId);
    this.settle(file, document);
    return true;
  }
}
