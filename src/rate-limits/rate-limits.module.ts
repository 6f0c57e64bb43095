import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { ThrottlerModule } from '@nestjs/throttler';
import { AppConfig } from '../config/index.js';
import { RateLimitGuard } from './rate-limit.guard.js';
import { SlidingWindowStorage } from './sliding-window.storage.js';

const MINUTE_MS = 60_000;

/** How much a caller may ask for. */
@Module({
  imports: [
    ThrottlerModule.forRootAsync({
      inject: [AppConfig],
      useFactory: ({ rateLimits }: AppConfig) => ({
        throttlers: [{ name: 'requests', ttl: MINUTE_MS, limit: rateLimits.rpm }],
        storage: new SlidingWindowStorage(),
      }),
    }),
  ],
  providers: [{ provide: APP_GUARD, useClass: RateLimitGuard }],
})
export class RateLimitsModule {}
