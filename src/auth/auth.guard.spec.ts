import type { ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { describe, expect, it } from 'vitest';
import { type Caller, OpenToEverybody, RequiresScope, type Scope, unrestricted } from '../common/index.js';
import { AuthGuard } from './auth.guard.js';
import type { Authenticator } from './authenticator.js';

class Routes {
  @OpenToEverybody()
  open(): void {}
  @RequiresScope('ask', 'search')
  reading(): void {}
  @RequiresScope()
  anyKey(): void {}
  forgotten(): void {}
}

/** Whether a route lets in a caller with these scopes. */
async function letsIn(route: keyof Routes, ...scopes: Scope[]): Promise<boolean> {
  const caller: Caller = { ...unrestricted('somebody'), scopes };
  const guard = new AuthGuard(
    { authenticate: () => Promise.resolve(caller) } as unknown as Authenticator,
    new Reflector(),
  );
  const context = {
    getHandler: () => Routes.prototype[route],
    getClass: () => Routes,
    switchToHttp: () => ({
      getRequest: () => ({ header: () => undefined }),
      getResponse: () => ({ setHeader: () => undefined, locals: {} }),
    }),
  } as unknown as ExecutionContext;
  return guard.canActivate(context).catch(() => false);
}

describe('AuthGuard', () => {
  it('lets in who has one of the scopes that a route names', async () => {
    expect(await letsIn('reading', 'search')).toBe(true);
    expect(await letsIn('reading', 'ingest', 'metrics')).toBe(false);
    expect(await letsIn('reading', 'admin')).toBe(true);
    expect(await letsIn('anyKey')).toBe(true);
    expect(await letsIn('open')).toBe(true);
  });

  it('closes what does not say whom it is for', async () => {
    expect(await letsIn('forgotten', 'ask', 'search', 'ingest', 'metrics')).toBe(false);
    expect(await letsIn('forgotten', 'admin')).toBe(true);
  });
});
