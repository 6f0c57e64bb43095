import { Module } from '@nestjs/common';
import { LlmModule } from '../llm/index.js';
import { Judge } from './judge.service.js';

/** Judging finished answers. */
@Module({ imports: [LlmModule], providers: [Judge], exports: [Judge] })
export class EvaluationModule {}
