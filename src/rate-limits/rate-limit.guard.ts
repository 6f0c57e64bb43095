import { type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import {
  InjectThrottlerOptions,
  InjectThrottlerStorage,
  ThrottlerGuard,
  type ThrottlerModuleOptions,
  type ThrottlerRequest,
} from '@nestjs/throttler';
import type { Request, Response } from 'express';
import { type Caller, callerOf, RATE_LIMITED } from '../common/index.js';
import { AppConfig } from '../config/index.js';
import { Admission } from './admission.js';
import type { Bucket, Limits as LimitsOf } from './limit-store.js';
import { Limits } from './limits.service.js';

/**
 * Limits requests a minute, tokens a minute and requests in flight on the routes that cost something, per key or,
 * without keys, per IP address, and of all callers together; says what is left in `RateLimit-Policy` and `RateLimit`.
 */
@Injectable()
export class RateLimitGuard extends ThrottlerGuard {
  /** All callers together; undefined: they have no limit. */
  private readonly everybody: Bucket | undefined;

  constructor(
    @InjectThrottlerOptions() options: ThrottlerModuleOptions,
    @InjectThrottlerStorage() private readonly limits: Limits,
    reflector: Reflector,
    private readonly config: AppConfig,
  ) {
    super(options, limits, reflector);
    const everybody = { key: 'everybody', limits: config.rateLimits.global };
    this.everybody = isLimited(everybody) ? everybody : undefined;
  }

  protected override async shouldSkip(context: ExecutionContext): Promise<boolean> {
    const isLimited = this.reflector.getAllAndOverride<boolean | undefined>(RATE_LIMITED, [
      context.getHandler(),
      context.getClass(),
    ]);
    return isLimited !== true;
  }

  /** Called once a request: its limits are decided about together. */
  protected override async handleRequest({ context }: ThrottlerRequest): Promise<boolean> {
    const http = context.switchToHttp();
    const response = http.getResponse<Response>();
    const caller = callerOf(response);
    const own = this.bucketOf(caller, http.getRequest<Request>().ip);
    const { everybody } = this;
    if (!isLimited(own) && everybody === undefined) return true;
    const admission = new Admission(this.limits, own, everybody);
    const { headers, refusal } = await admission.enter();
    response.set(headers);
    if (refusal !== undefined) throw refusal;
    response.locals['caller'] = { ...caller, allowance: admission } satisfies Caller;
    // who has gone meanwhile closes nothing any more
    if (response.closed || response.destroyed) void admission.leave();
    else response.once('close', () => void admission.leave());
    return true;
  }

  private bucketOf({ id, limits }: Caller, ip: string | undefined): Bucket {
    const { rpm, tpm, concurrency } = this.config.rateLimits;
    return {
      key: id === 'anonymous' ? `ip:${ip ?? 'unknown'}` : `key:${id}`,
      limits: {
        rpm: limits.rpm ?? rpm,
        tpm: limits.tpm ?? tpm,
        concurrency: limits.concurrency ?? concurrency,
      },
    };
  }
}

function isLimited({ limits: { rpm, tpm, concurrency } }: { limits: LimitsOf }): boolean {
  return rpm > 0 || tpm > 0 || concurrency > 0;
}
