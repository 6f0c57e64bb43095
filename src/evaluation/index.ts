export { EvaluationModule } from './evaluation.module.js';
export { Judge } from './judge.service.js';
export type { JudgedAnswer } from './judged-answer.js';
export { InvalidJudgementError } from './judgement.js';
