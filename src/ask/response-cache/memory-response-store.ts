import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { AppConfig } from '../../config/index.js';
import { MAX_RESPONSE_BYTES, ResponseStore } from './response-store.js';

const MAX_BYTES = 64 * 1024 * 1024;
/** What the cache itself holds for an entry, about. */
const ENTRY_BYTES = 256;

/** Keeps answers in this process, at most 64 MiB of them: above it, those longest unused go. */
@Injectable()
export class MemoryResponseStore extends ResponseStore {
  private readonly answers: LRUCache<string, string>;
  private readonly keepsNothing: boolean;

  constructor({ responseCacheTtlMs }: AppConfig) {
    super();
    this.keepsNothing = responseCacheTtlMs === 0;
    this.answers = new LRUCache({
      maxSize: MAX_BYTES,
      ttl: responseCacheTtlMs,
      // two bytes a unit is the most that the engine takes for a string
      sizeCalculation: (value, key) => ENTRY_BYTES + 2 * (key.length + value.length),
    });
  }

  override get(key: string): Promise<string | undefined> {
    return Promise.resolve(this.answers.get(key));
  }

  override set(key: string, value: string): Promise<void> {
    if (!this.keepsNothing && Buffer.byteLength(value) <= MAX_RESPONSE_BYTES) this.answers.set(key, value);
    return Promise.resolve();
  }
}
