export { AppError, ERROR_CATALOGUE } from './app-error.js';
export { modelProblem } from './model-problem.js';
export { Problem, problemOf } from './problem.js';
export { ProblemFilter, toAppError } from './problem.filter.js';
export { IsStorable } from './storable.js';
export { invalidRequest, validationPipe } from './validation.js';
