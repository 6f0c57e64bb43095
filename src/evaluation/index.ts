export { EvaluationModule } from './evaluation.module.js';
export { Judge, type Judging } from './judge.service.js';
export type { JudgedAnswer } from './judged-answer.js';
export { InvalidJudgementError, type Judgement } from './judgement.js';
