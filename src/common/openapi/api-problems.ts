import { applyDecorators, SetMetadata } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiExtension,
  ApiExtraModels,
  ApiResponse,
  ApiSecurity,
  getSchemaPath,
} from '@nestjs/swagger';
import { ERROR_CATALOGUE, type ErrorCode } from '../errors/app-error.js';
import { Problem, problemOf } from '../errors/problem.js';
import { AppError } from '../errors/app-error.js';
import type { Scope } from '../http/caller.js';

const EXAMPLE_REQUEST_ID = '0b7e0ad6-3f2c-4e4a-9a55-6f1d8b1f3a10';

/** Documents the errors of a route: one response a status, with an example of each code. */
export function ApiProblems(...codes: ErrorCode[]): MethodDecorator & ClassDecorator {
  const statuses = new Map<number, ErrorCode[]>();
  for (const code of [...codes, 'INTERNAL_ERROR'] as const) {
    const { status } = ERROR_CATALOGUE[code];
    statuses.set(status, [...(statuses.get(status) ?? []), code]);
  }
  return applyDecorators(
    ApiExtraModels(Problem),
    ...[...statuses].map(([status, sameStatus]) =>
      ApiResponse({
        status,
        description: sameStatus.map((code) => `\`${code}\`: ${ERROR_CATALOGUE[code].title}.`).join(' '),
        content: {
          'application/problem+json': {
            schema: { $ref: getSchemaPath(Problem) },
            examples: Object.fromEntries(
              sameStatus.map((code) => [
                code,
                { value: problemOf(new AppError(code, ERROR_CATALOGUE[code].title), EXAMPLE_REQUEST_ID) },
              ]),
            ),
          },
        },
      }),
    ),
  );
}

/** Metadata key of the scopes of which a route needs one; an empty list: any key will do. */
export const REQUIRED_SCOPES = 'footnote:required-scopes';
/** In place of scopes: the route is open to everybody. */
export const EVERYBODY = 'everybody';

/** The route is open to everybody, also where authentication is on. What says nothing of keys is closed. */
export function OpenToEverybody(): MethodDecorator & ClassDecorator {
  return SetMetadata(REQUIRED_SCOPES, EVERYBODY);
}

/** Metadata key of routes that cost something and are therefore limited. */
export const RATE_LIMITED = 'footnote:rate-limited';

/** The route needs a key with one of these scopes where authentication is on; without any named, it needs any key. */
export function RequiresScope(...anyOf: Scope[]): MethodDecorator & ClassDecorator {
  return applyDecorators(
    SetMetadata(REQUIRED_SCOPES, anyOf),
    ApiBearerAuth('bearer'),
    ApiSecurity('api-key'),
    ApiExtension('x-required-scopes', anyOf),
    ApiProblems('UNAUTHENTICATED', 'FORBIDDEN'),
  );
}

/** The route counts against the caller's rate limits. */
export function RateLimited(): MethodDecorator & ClassDecorator {
  return applyDecorators(SetMetadata(RATE_LIMITED, true), ApiProblems('RATE_LIMITED'));
}
