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
import { AnswerRetention } from './audit/answer-retention.js';
import { AnswerStore } from './audit/answer-store.js';
import { AnswerTrail } from './audit/answer-trail.js';
import { AnswersController } from './audit/answers.controller.js';
import { AnswersService } from './audit/answers.service.js';
import { AnswerGenerator } from './generation/answer-generator.js';
import { CachedGenerator } from './generation/cached-generator.js';
import { Comparison } from './generation/comparison.service.js';
import { Generations } from './generation/generations.js';
import { QueryRewriter } from './query-understanding/query-rewriter.js';
import { SourceFinder } from './query-understanding/source-finder.js';
import { MemoryResponseStore } from './response-cache/memory-response-store.js';
import { RedisResponseStore } from './response-cache/redis-response-store.js';
import { ResponseStore } from './response-cache/response-store.js';
import { SearchController } from './search.controller.js';

/** The pipeline, its dialects and its trail. */
@Module({
  imports: [RetrievalModule, LlmModule, EvaluationModule, CostsModule, RedisModule],
  controllers: [AskController, AskBatchController, SearchController, AnswersController],
  providers: [
    AskService,
    SourceFinder,
    QueryRewriter,
    AnswerGenerator,
    CachedGenerator,
    Comparison,
    Generations,
    AnswerEvaluator,
    AnswerTrail,
    AnswerStore,
    AnswersService,
    AnswerRetention,
    {
      provide: ResponseStore,
      inject: [RedisConnection, AppConfig],
      useFactory: (redis: RedisConnection, config: AppConfig): ResponseStore =>
        redis.isConfigured ? new RedisResponseStore(redis, config) : new MemoryResponseStore(config),
    },
  ],
})
export class AskModule {}
