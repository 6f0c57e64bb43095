import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import type { Response } from 'express';
import { ClientDisconnectedError, ShutdownError } from '../http/open-requests.js';
import { ModelError } from '../providers/model-error.js';
import { AppError, ERROR_CATALOGUE, type ErrorCode } from './app-error.js';
import { modelProblem } from './model-problem.js';
import { type Problem, problemOf } from './problem.js';

const logger = new Logger('Errors');

/** The only place that turns errors into HTTP. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const response = http.getResponse<Response>();
    // a caller that went away is nobody's error
    if (thrown instanceof ClientDisconnectedError) return void response.destroy();
    const error = toAppError(thrown);
    const problem = toProblem(thrown, String(response.locals['requestId'] ?? ''));
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    response
      .status(problem.status)
      .set(error.headers)
      .type('application/problem+json')
      .send(JSON.stringify(problem));
  }
}

/** An error as the caller is told of it; an unexpected one goes to the log, and only there in full. */
export function toProblem(thrown: unknown, requestId: string): Problem {
  const error = toAppError(thrown);
  if (error.code === 'INTERNAL_ERROR')
    logger.error({ err: thrown, request_id: requestId }, 'A request failed unexpectedly');
  return problemOf(error, requestId);
}

/** What the caller is told of anything that was thrown; unknown errors keep their message to the logs. */
export function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  if (thrown instanceof ShutdownError)
    return new AppError('SERVICE_UNAVAILABLE', 'The service is stopping. Try again.', {
      headers: { 'Retry-After': '5' },
    });
  // an answer's own failures come as AppErrors; this is the embedding of a question
  if (thrown instanceof ModelError) return modelProblem(thrown, 'The question could not be embedded');
  if (isDatabaseDown(thrown))
    return new AppError('SERVICE_UNAVAILABLE', 'The database cannot be reached.', {
      headers: { 'Retry-After': '5' },
    });
  const status = httpStatusOf(thrown);
  if (status === undefined)
    return new AppError('INTERNAL_ERROR', 'An unexpected error occurred.', { cause: thrown });
  const message = thrown instanceof Error ? thrown.message : '';
  if (status === 413)
    return new AppError(
      'TOO_LARGE',
      message === 'File too large'
        ? 'A file is larger than MAX_UPLOAD_MB lets this service take.'
        : 'The request body is larger than this route takes.',
    );
  if (status === 404)
    return new AppError('NOT_FOUND', message.startsWith('Cannot ') ? 'There is no such route.' : message);
  if (status === 415)
    return new AppError('UNSUPPORTED_MEDIA_TYPE', 'The request body has an unsupported encoding.');
  const code = codeOf(status);
  return new AppError(
    code,
    code === 'INVALID_REQUEST' ? describeBadRequest(thrown, message) : ERROR_CATALOGUE[code].title,
  );
}

/** Connection failures of the `pg` driver, and the codes with which PostgreSQL ends or refuses a session. */
function isDatabaseDown(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  const code = 'code' in thrown ? String(thrown.code) : '';
  return (
    /^(ECONNREFUSED|ECONNRESET|ENOTFOUND|EPIPE|57P0[123]|53300|08\w{3})$/.test(code) ||
    /^(Connection terminated|timeout exceeded when trying to connect)/.test(thrown.message)
  );
}

/** Nest's own exceptions, and those of Express' body parsers, which carry a status too. */
function httpStatusOf(thrown: unknown): number | undefined {
  if (thrown instanceof HttpException) return thrown.getStatus();
  const status = thrown instanceof Error && 'status' in thrown ? thrown.status : undefined;
  const isBodyParserError = thrown instanceof Error && 'type' in thrown && 'expose' in thrown;
  return isBodyParserError && typeof status === 'number' && status < 500 ? status : undefined;
}

function codeOf(status: number): ErrorCode {
  const found = (Object.keys(ERROR_CATALOGUE) as ErrorCode[]).find(
    (code) => ERROR_CATALOGUE[code].status === status,
  );
  return found ?? (status < 500 ? 'INVALID_REQUEST' : 'INTERNAL_ERROR');
}

function describeBadRequest(thrown: unknown, message: string): string {
  if (thrown instanceof Error && 'type' in thrown && thrown.type === 'entity.parse.failed')
    return 'The request body is not valid JSON.';
  // JSON.parse repeats the text around the mistake, which is the caller's own but need not be echoed
  return /JSON/.test(message) ? 'The request body is not valid JSON.' : message;
}
