import { Injectable, Logger } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { type RedisClient, RedisConnection, RedisUnavailableError } from '../../redis/index.js';
import { MAX_RESPONSE_BYTES, ResponseStore } from './response-store.js';

const KEY_PREFIX = 'footnote:answer:';

/** Keeps answers in Redis, for all processes that use it. While it cannot be used, there are no answers in it. */
@Injectable()
export class RedisResponseStore extends ResponseStore {
  private readonly logger = new Logger('ResponseCache');
  private readonly ttlMs: number;
  private hasWarned = false;

  constructor(
    private readonly redis: RedisConnection,
    { responseCacheTtlMs }: AppConfig,
  ) {
    super();
    this.ttlMs = responseCacheTtlMs;
  }

  override async get(key: string): Promise<string | undefined> {
    return (await this.attempt((client) => client.get(KEY_PREFIX + key))) ?? undefined;
  }

  override async set(key: string, value: string): Promise<void> {
    if (this.ttlMs === 0 || Buffer.byteLength(value) > MAX_RESPONSE_BYTES) return;
    const expiration = { type: 'PX', value: this.ttlMs } as const;
    await this.attempt((client) => client.set(KEY_PREFIX + key, value, { expiration }));
  }

  private async attempt<T>(work: (client: RedisClient) => Promise<T>): Promise<T | undefined> {
    try {
      return await this.redis.run(work);
    } catch (error) {
      // the connection tells of an outage; what else fails is a matter of the server's settings, and stays so
      if (!(error instanceof RedisUnavailableError) && !this.hasWarned) {
        this.hasWarned = true;
        this.logger.warn({ err: error }, 'Redis refuses to keep answers; this is said once');
      }
      return undefined;
    }
  }
}
