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
  else if (namesConstructor(request.body))
    // class-transformer calls what it finds under this name
    next(new AppError('INVALID_REQUEST', 'A field must not be called "constructor".'));
  else next();
}

function namesConstructor(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some(namesConstructor);
  return Object.hasOwn(value, 'constructor') || Object.values(value).some(namesConstructor);
}
