import { timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Counter, register } from 'prom-client';
import { AppError, type Caller, unrestricted } from '../common/index.js';
import { AppConfig } from '../config/index.js';
import { JwtVerifier } from './jwt-verifier.js';
import { type KnownSecret, KeyStore } from './keys/key-store.js';
import { LastUsed } from './keys/last-used.js';
import { digest, prefixOf } from './keys/secret.js';

const failures = new Counter({
  name: 'footnote_auth_failures_total',
  help: 'Requests with 401: `missing` sent no key, `unknown` one that is none, the others one that was.',
  labelNames: ['reason'],
  registers: [register],
});
const NOBODY = digest('');

/** Tells who calls, by what they send. */
@Injectable()
export class Authenticator {
  private readonly adminDigest: Buffer | undefined;

  constructor(
    config: AppConfig,
    private readonly keys: KeyStore,
    private readonly jwt: JwtVerifier,
    private readonly lastUsed: LastUsed,
  ) {
    const { adminApiKey } = config.auth;
    this.adminDigest = adminApiKey === undefined ? undefined : digest(adminApiKey);
  }

  /**
   * Who sends a credential. Where authentication is off, everybody may do everything, but who sends a key is held to it.
   * @throws AppError UNAUTHENTICATED; SERVICE_UNAVAILABLE when an identity provider's keys cannot be had
   */
  async authenticate(credential: string | undefined): Promise<Caller> {
    const prefix = credential === undefined ? undefined : prefixOf(credential);
    if (this.adminDigest === undefined && prefix === undefined) return unrestricted('anonymous');
    if (credential === undefined)
      throw refusal('missing', 'Send a key, as `Authorization: Bearer …` or `X-API-Key: …`.');
    // first, whatever else it looks like
    const sent = digest(credential);
    if (this.adminDigest !== undefined && timingSafeEqual(sent, this.adminDigest))
      return unrestricted('admin');
    if (prefix !== undefined) return this.withKey(sent, prefix);
    const caller = this.jwt.takes(credential) ? await this.jwt.verify(credential) : undefined;
    if (caller === undefined) throw unknownKey();
    return caller;
  }

  /** @param sent the digest of what was sent: digests are of equal length, so comparing takes the same time whatever it was */
  private async withKey(sent: Buffer, prefix: string): Promise<Caller> {
    const known = await this.keys.find(prefix);
    if (!timingSafeEqual(sent, known?.hash ?? NOBODY) || known === undefined) throw unknownKey();
    // told only to who has the secret
    if (known.revoked) throw refusal('revoked', 'The key was revoked.');
    if (known.expired) throw refusal('expired', 'The key has expired.');
    this.lastUsed.touch(known.id);
    return callerOf(known);
  }
}

function callerOf(key: KnownSecret): Caller {
  return {
    id: key.id,
    scopes: key.scopes,
    readable: key.collections ?? undefined,
    writable: key.write_collections ?? key.collections ?? undefined,
    labels: key.scopes.includes('admin') ? undefined : key.labels,
    limits: {
      rpm: key.rpm ?? undefined,
      tpm: key.tpm ?? undefined,
      concurrency: key.concurrency ?? undefined,
    },
    dailyUsd: key.daily_usd ?? undefined,
    monthlyUsd: key.monthly_usd ?? undefined,
  };
}

function unknownKey(): AppError {
  return refusal('unknown', 'The key is not valid.');
}

function refusal(reason: 'missing' | 'unknown' | 'revoked' | 'expired', message: string): AppError {
  failures.inc({ reason });
  return new AppError('UNAUTHENTICATED', message, { headers: { 'WWW-Authenticate': 'Bearer' } });
}
