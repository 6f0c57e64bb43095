import { createHash, timingSafeEqual } from 'node:crypto';
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request, Response } from 'express';
import { AppError, KEY_REQUIRED } from '../common/index.js';
import { AppConfig } from '../config/index.js';

/** Demands the key on the routes that need one, where `ADMIN_API_KEY` is set. */
@Injectable()
export class ApiKeyGuard implements CanActivate {
  private readonly expected: Buffer | undefined;

  constructor(
    config: AppConfig,
    private readonly reflector: Reflector,
  ) {
    const { adminApiKey } = config.auth;
    this.expected = adminApiKey === undefined ? undefined : digest(adminApiKey);
  }

  canActivate(context: ExecutionContext): boolean {
    if (this.expected === undefined) return true;
    const isRequired = this.reflector.getAllAndOverride<boolean | undefined>(KEY_REQUIRED, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (isRequired !== true) return true;
    const sent = sentKey(context.switchToHttp().getRequest<Request>());
    // digests are of equal length, so the comparison takes the same time whatever was sent
    if (sent !== undefined && timingSafeEqual(digest(sent), this.expected)) {
      context.switchToHttp().getResponse<Response>().locals['keyId'] = 'admin';
      return true;
    }
    throw new AppError(
      'UNAUTHENTICATED',
      sent === undefined
        ? 'Send a key, as `Authorization: Bearer …` or `X-API-Key: …`.'
        : 'The key is not valid.',
      { headers: { 'WWW-Authenticate': 'Bearer' } },
    );
  }
}

function sentKey(request: Request): string | undefined {
  const bearer = /^Bearer\s+(\S+)$/i.exec(request.header('authorization') ?? '')?.[1];
  return bearer ?? request.header('x-api-key');
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
