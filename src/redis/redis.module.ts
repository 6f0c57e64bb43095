import { Module } from '@nestjs/common';
import { RedisConnection } from './redis-connection.js';

/** The one connection to Redis, where there is one. */
@Module({ providers: [RedisConnection], exports: [RedisConnection] })
export class RedisModule {}
