import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { KeyStore } from './key-store.js';

/** How exactly it is kept when a key was used. */
const RESOLUTION_MS = 60_000;
/** Keys that come into use at about the same time are written together. */
const DELAY_MS = 1_000;
/** Keys that are remembered; above it, all are forgotten, and written once more than needed. */
const MOST_KEYS = 10_000;

/** Keeps when keys were used, to the minute, at one statement a second at most, whatever the number of requests. */
@Injectable()
export class LastUsed implements BeforeApplicationShutdown {
  private readonly logger = new Logger('Keys');
  /** Milliseconds of the monotonic clock. */
  private readonly noted = new Map<string, number>();
  private pending = new Map<string, Date>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly keys: KeyStore) {}

  /** The key is used now. */
  touch(id: string): void {
    const now = performance.now();
    if (now - (this.noted.get(id) ?? -RESOLUTION_MS) < RESOLUTION_MS) return;
    if (this.noted.size >= MOST_KEYS) this.noted.clear();
    this.noted.set(id, now);
    this.pending.set(id, new Date());
    this.timer ??= setTimeout(() => void this.flush(), DELAY_MS).unref();
  }

  /** Writes what waits; never rejects. */
  async flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { pending } = this;
    if (pending.size === 0) return;
    this.pending = new Map();
    try {
      await this.keys.used(pending);
    } catch (error) {
      this.logger.warn({ err: error }, 'When keys were last used could not be written');
    }
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.flush();
  }
}
