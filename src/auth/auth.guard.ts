import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request, Response } from 'express';
import { AppError, EVERYBODY, hasScope, REQUIRED_SCOPES, type Scope } from '../common/index.js';
import { Authenticator } from './authenticator.js';

/** Finds out who calls the routes that need a key, and whether it may. */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    private readonly authenticator: Authenticator,
    private readonly reflector: Reflector,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const required = this.reflector.getAllAndOverride<Scope[] | typeof EVERYBODY | undefined>(
      REQUIRED_SCOPES,
      [context.getHandler(), context.getClass()],
    );
    if (required === EVERYBODY) return true;
    // a route that does not say is the administrators'
    const anyOf = required ?? ['admin'];
    const http = context.switchToHttp();
    // what one key is told is no other's, whatever stands in between
    http.getResponse<Response>().setHeader('Cache-Control', 'no-store');
    const caller = await this.authenticator.authenticate(sentKey(http.getRequest<Request>()));
    if (anyOf.length > 0 && !hasScope(caller, ...anyOf))
      throw new AppError('FORBIDDEN', `The key lacks the scope that this takes: ${anyOf.join(' or ')}.`);
    http.getResponse<Response>().locals['caller'] = caller;
    return true;
  }
}

function sentKey(request: Request): string | undefined {
  const bearer = /^Bearer\s+(\S+)$/i.exec(request.header('authorization') ?? '')?.[1];
  return bearer ?? request.header('x-api-key');
}
