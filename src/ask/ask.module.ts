import { Module } from '@nestjs/common';
import { CostsModule } from '../costs/index.js';
import { LlmModule } from '../llm/index.js';
import { RetrievalModule } from '../retrieval/index.js';
import { AnswerGenerator } from './answer-generator.js';
import { AskController } from './ask.controller.js';
import { AskService } from './ask.service.js';
import { SearchController } from './search.controller.js';

/** The pipeline and its dialects. */
@Module({
  imports: [RetrievalModule, LlmModule, CostsModule],
  controllers: [AskController, SearchController],
  providers: [AskService, AnswerGenerator],
})
export class AskModule {}
