export type { Turn } from './prompt.js';
export { answerV1 } from './templates/answer.v1.js';
export { judgeV1 } from './templates/judge.v1.js';
