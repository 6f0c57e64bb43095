import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { LlmModule } from '../llm/index.js';
import { RedisModule } from '../redis/index.js';
import { RetrievalModule } from '../retrieval/index.js';
import { DatabaseHealth } from './database.health.js';
import { HealthController } from './health.controller.js';

/** Liveness and readiness. */
@Module({
  imports: [TerminusModule.forRoot({ logger: false }), LlmModule, RedisModule, RetrievalModule],
  controllers: [HealthController],
  providers: [DatabaseHealth],
})
export class HealthModule {}
