import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Response } from 'express';
import { AppError } from '../errors/app-error.js';

/** What a key may be used for. `admin` is everything. */
export const SCOPES = ['ask', 'search', 'ingest', 'metrics', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** Most that a caller may use or spend; what is absent has the service's limit, 0 none. */
export interface CallerLimits {
  /** Requests, and tokens, in any minute. */
  rpm?: number | undefined;
  tpm?: number | undefined;
  /** Requests in flight. */
  concurrency?: number | undefined;
}

/** What the limits of a caller still allow one of its requests. */
export interface Allowance {
  /**
   * Counts a further request that is made within this one, as each further question of a batch.
   * @throws AppError RATE_LIMITED
   */
  another(): Promise<void>;
  /**
   * Makes a piece of work hold so many of the tokens a minute, in place of what it held.
   * @throws AppError RATE_LIMITED when they do not fit; what it held stays
   */
  hold(work: string, tokens: number): Promise<void>;
  /** Counts what a piece of work has used, in place of what it held. Never rejects. */
  settle(work: string, tokens: number): Promise<void>;
}

/** Who calls, and what it may do. */
export interface Caller {
  /** What it is known, limited and billed as: a key's id, `admin`, `jwt:<subject>`, or `anonymous`. */
  readonly id: string;
  readonly scopes: readonly Scope[];
  /** Names of the collections that it may read, and write to; undefined: all. */
  readonly readable: readonly string[] | undefined;
  readonly writable: readonly string[] | undefined;
  /** Visibility labels that it carries; undefined: it sees documents whatever they are labelled. */
  readonly labels: readonly string[] | undefined;
  readonly limits: CallerLimits;
  /** Hard limits of its own, decimals of US dollars. */
  readonly dailyUsd: string | undefined;
  readonly monthlyUsd: string | undefined;
  /** Set once it is admitted; absent: it has no limits. */
  readonly allowance?: Allowance;
}

/** Somebody who may do everything, under no limits but the service's. */
export function unrestricted(id: string): Caller {
  return {
    id,
    scopes: SCOPES,
    readable: undefined,
    writable: undefined,
    labels: undefined,
    limits: {},
    dailyUsd: undefined,
    monthlyUsd: undefined,
  };
}

/** Whether it has one of the scopes. */
export function hasScope({ scopes }: Pick<Caller, 'scopes'>, ...anyOf: readonly Scope[]): boolean {
  return scopes.includes('admin') || anyOf.some((scope) => scopes.includes(scope));
}

/**
 * Before anybody looks whether they exist, so that who may not read a collection is told the same either way.
 * @throws AppError FORBIDDEN for a collection that it may not read
 */
export function checkReadable({ readable }: Caller, collections: readonly string[]): void {
  const other = readable === undefined ? undefined : collections.find((name) => !readable.includes(name));
  if (other !== undefined)
    throw new AppError('FORBIDDEN', `The key may not read the collection ${JSON.stringify(other)}.`);
}

/** The same for writing. @throws AppError FORBIDDEN */
export function checkWritable({ writable }: Caller, collection: string): void {
  if (writable === undefined || writable.includes(collection)) return;
  throw new AppError('FORBIDDEN', `The key may not write to the collection ${JSON.stringify(collection)}.`);
}

/** The caller that the guards have let in. */
export function callerOf(response: Response): Caller {
  const caller: unknown = response.locals['caller'];
  if (caller === undefined) throw new Error('a route that asks who calls lets everybody in');
  return caller as Caller;
}

/** Parameter of a route: its caller. */
export const CurrentCaller = createParamDecorator((_: unknown, context: ExecutionContext) =>
  callerOf(context.switchToHttp().getResponse<Response>()),
);
