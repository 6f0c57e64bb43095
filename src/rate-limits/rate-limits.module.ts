import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { ThrottlerModule, type ThrottlerStorage } from '@nestjs/throttler';
import { AppConfig } from '../config/index.js';
import { RedisConnection, RedisModule } from '../redis/index.js';
import { RateLimitGuard } from './rate-limit.guard.js';
import { SharedWindowStorage } from './shared-window.storage.js';
import { SlidingWindowStorage } from './sliding-window.storage.js';

const MINUTE_MS = 60_000;

/** How much a caller may ask for. */
@Module({
  imports: [
    ThrottlerModule.forRootAsync({
      imports: [RedisModule],
      inject: [AppConfig, RedisConnection],
      useFactory: ({ rateLimits }: AppConfig, redis: RedisConnection) => ({
        throttlers: [{ name: 'requests', ttl: MINUTE_MS, limit: rateLimits.rpm }],
        storage: storageFor(redis, rateLimits.onRedisFailure),
      }),
    }),
  ],
  providers: [{ provide: APP_GUARD, useClass: RateLimitGuard }],
})
export class RateLimitsModule {}

/** In Redis, for all replicas together, where there is one; else in this process. */
function storageFor(redis: RedisConnection, onFailure: 'open' | 'closed'): ThrottlerStorage {
  const local = new SlidingWindowStorage();
  return redis.isConfigured ? new SharedWindowStorage(redis, local, onFailure) : local;
}
