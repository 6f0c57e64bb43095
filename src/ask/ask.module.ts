import { Module } from '@nestjs/common';
import { AppConfig } from '../config/index.js';
import { CostsModule } from '../costs/index.js';
import { EvaluationModule } from '../evaluation/index.js';
import { LlmModule } from '../llm/index.js';
import { RedisConnection, RedisModule } from '../redis/index.js';
import { RetrievalModule } from '../retrieval/index.js';
import { AnswerEvaluator } from './answer-evaluator.js';
import { AskBatchController } from './ask-batch.controller.js';
import { AskController } from './ask.controller.js';
import { AskService } from './ask.service.js';
import { AnswerGenerator } from './generation/answer-generator.js';
import { CachedGenerator } from './generation/cached-generator.js';
import { Comparison } from './generation/comparison.service.js';
import { QueryRewriter } from './query-understanding/query-rewriter.js';
import { SourceFinder } from './query-understanding/source-finder.js';
import { MemoryResponseStore } from './response-cache/memory-response-store.js';
import { RedisResponseStore } from './response-cache/redis-response-store.js';
import { ResponseStore } from './response-cache/response-store.js';
import { SearchController } from './search.controller.js';

/** The pipeline and its dialects. */
@Module({
  imports: [RetrievalModule, LlmModule, EvaluationModule, CostsModule, RedisModule],
  controllers: [AskController, AskBatchController, SearchController],
  providers: [
    AskService,
    SourceFinder,
    QueryRewriter,
    AnswerGenerator,
    CachedGenerator,
    Comparison,
    AnswerEvaluator,
    {
      provide: ResponseStore,
      inject: [RedisConnection, AppConfig],
      useFactory: (redis: RedisConnection, config: AppConfig): ResponseStore =>
        redis.isConfigured ? new RedisResponseStore(redis, config) : new MemoryResponseStore(config),
    },
  ],
})
export class AskModule {}
