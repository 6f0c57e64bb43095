import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { RetrievalModule } from '../retrieval/index.js';
import { HealthController } from './health.controller.js';

/** Liveness and readiness. */
@Module({
  imports: [TerminusModule.forRoot({ logger: false }), RetrievalModule],
  controllers: [HealthController],
})
export class HealthModule {}
