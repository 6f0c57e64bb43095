import { type ExecutionContext, Injectable } from '@nestjs/common';
import { ThrottlerGuard, type ThrottlerLimitDetail, type ThrottlerRequest } from '@nestjs/throttler';
import type { Request, Response } from 'express';
import { AppError, RATE_LIMITED } from '../common/index.js';

const WINDOW_SECONDS = 60;

/**
 * Limits requests a minute on the routes that cost something, per key or, without keys, per IP address. Says what is
 * left in the `RateLimit-Policy` and `RateLimit` fields (draft-ietf-httpapi-ratelimit-headers-10).
 */
@Injectable()
export class RateLimitGuard extends ThrottlerGuard {
  protected override async shouldSkip(context: ExecutionContext): Promise<boolean> {
    const isLimited = this.reflector.getAllAndOverride<boolean | undefined>(RATE_LIMITED, [
      context.getHandler(),
      context.getClass(),
    ]);
    return isLimited !== true;
  }

  protected override async handleRequest({
    context,
    limit,
    ttl,
    throttler,
  }: ThrottlerRequest): Promise<boolean> {
    if (limit === 0) return true;
    const response = context.switchToHttp().getResponse<Response>();
    const name = throttler.name ?? 'default';
    const key = `${name}:${trackerOf(context)}`;
    const record = await this.storageService.increment(key, ttl, limit, 0, name);
    response.setHeader('RateLimit-Policy', `"${name}";q=${limit};w=${WINDOW_SECONDS}`);
    const left = record.isBlocked ? 0 : Math.max(0, limit - record.totalHits);
    const reset = record.isBlocked ? record.timeToBlockExpire : record.timeToExpire;
    response.setHeader('RateLimit', `"${name}";r=${left};t=${reset}`);
    if (record.isBlocked)
      await this.throwThrottlingException(context, { limit, ttl, key, tracker: key, ...record });
    return true;
  }

  protected override throwThrottlingException(
    _context: ExecutionContext,
    detail: ThrottlerLimitDetail,
  ): Promise<void> {
    throw new AppError(
      'RATE_LIMITED',
      `More than ${detail.limit} requests a minute. Try again in ${detail.timeToBlockExpire} s.`,
      { headers: { 'Retry-After': String(detail.timeToBlockExpire) } },
    );
  }
}

/** The key, or the IP address of who has none. */
function trackerOf(context: ExecutionContext): string {
  const http = context.switchToHttp();
  const keyId: unknown = http.getResponse<Response>().locals['keyId'];
  return typeof keyId === 'string' ? `key:${keyId}` : `ip:${http.getRequest<Request>().ip ?? 'unknown'}`;
}
