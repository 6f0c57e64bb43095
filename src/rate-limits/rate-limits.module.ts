import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { ThrottlerModule } from '@nestjs/throttler';
import { AppConfig } from '../config/index.js';
import { RedisConnection, RedisModule } from '../redis/index.js';
import { Limits, WINDOW_MS } from './limits.service.js';
import { RateLimitGuard } from './rate-limit.guard.js';

/** How much a caller may ask for. */
@Module({
  imports: [
    ThrottlerModule.forRootAsync({
      imports: [RedisModule],
      inject: [AppConfig, RedisConnection],
      useFactory: (config: AppConfig, redis: RedisConnection) => ({
        // one, because the guard decides about all limits at once
        throttlers: [{ name: 'requests', ttl: WINDOW_MS, limit: config.rateLimits.rpm }],
        storage: new Limits(config, redis),
      }),
    }),
  ],
  providers: [{ provide: APP_GUARD, useClass: RateLimitGuard }],
})
export class RateLimitsModule {}
