export type { RewritingPrompt, Turn } from './prompt.js';
export { answerV1 } from './templates/answer.v1.js';
export { condenseV1 } from './templates/condense.v1.js';
export { judgeV1 } from './templates/judge.v1.js';
export { rephraseV1 } from './templates/rephrase.v1.js';
export { rerankV1 } from './templates/rerank.v1.js';
