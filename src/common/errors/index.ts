export { AppError, ERROR_CATALOGUE, invalidField } from './app-error.js';
export { modelProblem } from './model-problem.js';
export { Problem } from './problem.js';
export { ProblemFilter, toAppError, toProblem } from './problem.filter.js';
export { IsLabels, IsSmallJson, IsStorable, isStorable, MOST_LABELS } from './storable.js';
export { invalidRequest, validated, validationPipe } from './validation.js';
