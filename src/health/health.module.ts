import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { LlmModule } from '../llm/index.js';
import { RetrievalModule } from '../retrieval/index.js';
import { HealthController } from './health.controller.js';

/** Liveness and readiness. */
@Module({
  imports: [TerminusModule.forRoot({ logger: false }), LlmModule, RetrievalModule],
  controllers: [HealthController],
})
export class HealthModule {}
