import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { type AppError, ERROR_CATALOGUE, type ErrorCode } from './app-error.js';

class FieldProblem {
  @ApiProperty({ example: 'top_k', description: 'Path of the field.' })
  field!: string;

  @ApiProperty({ example: 'top_k must not be greater than 50' })
  message!: string;
}

/** An error as callers see it: RFC 9457 problem details, `application/problem+json`. */
export class Problem {
  @ApiProperty({
    description: 'A URI that names the kind of problem.',
    example: 'urn:footnote:problem:invalid-request',
  })
  type!: string;

  @ApiProperty({ example: 'The request is not valid' })
  title!: string;

  @ApiProperty({ example: 400 })
  status!: number;

  @ApiProperty({
    description: 'What is wrong here, and what to do.',
    example: 'top_k must not be greater than 50',
  })
  detail!: string;

  @ApiProperty({
    description: 'One of a closed list.',
    enum: Object.keys(ERROR_CATALOGUE),
    example: 'INVALID_REQUEST',
  })
  code!: ErrorCode;

  @ApiProperty({
    description: 'The id in X-Request-Id; it is in the logs too.',
    example: '0b7e0ad6-3f2c-4e4a-9a55-6f1d8b1f3a10',
  })
  request_id!: string;

  @ApiPropertyOptional({ type: [FieldProblem], description: 'Which fields are wrong, for INVALID_REQUEST.' })
  errors?: FieldProblem[];

  @ApiPropertyOptional({
    type: [String],
    example: ['requests'],
    description: 'Which limits the request would pass, as RateLimit-Policy names them, for RATE_LIMITED.',
  })
  'violated-policies'?: string[];
}

/** Registered type of "quota exceeded" (draft-ietf-httpapi-ratelimit-headers). */
const QUOTA_EXCEEDED = 'https://iana.org/assignments/http-problem-types#quota-exceeded';

export function problemOf(error: AppError, requestId: string): Problem {
  const { status, title } = ERROR_CATALOGUE[error.code];
  const type =
    error.code === 'RATE_LIMITED'
      ? QUOTA_EXCEEDED
      : `urn:footnote:problem:${error.code.toLowerCase().replaceAll('_', '-')}`;
  return {
    type,
    title,
    status,
    detail: error.message,
    code: error.code,
    request_id: requestId,
    ...(error.errors === undefined ? {} : { errors: error.errors }),
    ...(error.violatedPolicies === undefined ? {} : { 'violated-policies': error.violatedPolicies }),
  };
}
