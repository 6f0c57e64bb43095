import { ValidationPipe } from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import { AppError, type FieldError } from './app-error.js';

const pipe = validationPipe();

/** Validates every request against its DTO class; unknown fields are errors, so that a typing mistake is never silent. */
export function validationPipe(): ValidationPipe {
  return new ValidationPipe({
    transform: true,
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    stopAtFirstError: true,
    exceptionFactory: invalidRequest,
  });
}

/**
 * An object as its DTO class, checked as a request body is.
 * @throws AppError INVALID_REQUEST naming every wrong field
 */
export async function validated<T extends object>(type: new () => T, value: object): Promise<T> {
  return (await pipe.transform(value, { type: 'body', metatype: type })) as T;
}

/** The 400 that names every wrong field. */
export function invalidRequest(errors: ValidationError[]): AppError {
  const fields = errors.flatMap((error) => fieldErrors(error, ''));
  const detail =
    fields.map(({ message }) => message).join('; ') || 'The request body is missing or not an object.';
  return new AppError('INVALID_REQUEST', detail, { errors: fields });
}

function fieldErrors(error: ValidationError, prefix: string): FieldError[] {
  const field = `${prefix}${error.property}`;
  const own = Object.values(error.constraints ?? {}).map((text) => ({
    field,
    message: describe(text, error.property, field),
  }));
  return [...own, ...(error.children ?? []).flatMap((child) => fieldErrors(child, `${field}.`))];
}

/** class-validator's messages begin with the bare property name; nested ones need the whole path. */
function describe(text: string, property: string, field: string): string {
  const unknown = /^property (.+) should not exist$/.exec(text);
  if (unknown !== null) return `${field} is not a known field`;
  return text.startsWith(`${property} `) ? `${field}${text.slice(property.length)}` : text;
}
