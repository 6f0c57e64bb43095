import type { NextFunction, Request, Response } from 'express';
import { AppError } from '../errors/app-error.js';

/** Refuses bodies that no route can read, after the JSON parser: what it left alone, and what is a trap in JSON. */
export function readableBody(request: Request, _response: Response, next: NextFunction): void {
  const isEmpty = request.header('content-length') === '0';
  // null: there is no body
  if (!isEmpty && request.is(['json', 'multipart/form-data']) === false)
    next(
      new AppError(
        'UNSUPPORTED_MEDIA_TYPE',
        'Send the body as application/json; documents may also be multipart/form-data.',
      ),
    );
  else {
    const problem = problemOfBody(request.body);
    next(problem === undefined ? undefined : new AppError('INVALID_REQUEST', problem));
  }
}

/** Says how large a body may be, where the JSON parser (`raw-body`) has refused one. */
export function bodyLimit(error: unknown, _request: Request, _response: Response, next: NextFunction): void {
  const isTooLarge = error instanceof Error && 'type' in error && error.type === 'entity.too.large';
  if (!isTooLarge || !('limit' in error)) next(error);
  else
    next(
      new AppError(
        'TOO_LARGE',
        `The request body is larger than the ${Number(error.limit)} bytes that this route takes.`,
      ),
    );
}

/** Deeper JSON has no use here, and would overflow the stack of those who walk it by recursion. */
const DEEPEST = 100;

/** What makes a body unusable whatever its route; walks it level by level. */
function problemOfBody(body: unknown): string | undefined {
  let level: unknown[] = [body];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEEPEST) return `The body is nested deeper than ${DEEPEST} levels.`;
    const objects = level.filter((value): value is object => typeof value === 'object' && value !== null);
    // class-transformer calls what it finds under this name
    if (objects.some((value) => !Array.isArray(value) && Object.hasOwn(value, 'constructor')))
      return 'A field must not be called "constructor".';
    level = objects.flatMap((value): unknown[] => Object.values(value));
  }
  return undefined;
}
