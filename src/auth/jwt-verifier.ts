import { Injectable } from '@nestjs/common';
import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose';
import { AppError, type Caller, isStorable, type Scope, SCOPES, unrestricted } from '../common/index.js';
import { AppConfig } from '../config/index.js';

/** Signatures by private keys only: with a shared secret, whoever can check a token could make one. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const JWKS_TIMEOUT_MS = 5_000;
const CLOCK_TOLERANCE_S = 30;
const SUBJECT = /^[^\p{Cc}\p{Cs}]{1,200}$/u;
const MOST_LABELS = 1_000;
const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** Takes the access tokens of the company's identity provider (RFC 7519, RFC 9068 claims) for keys. */
@Injectable()
export class JwtVerifier {
  private readonly settings: AppConfig['auth']['jwt'];
  private readonly keys: ReturnType<typeof createRemoteJWKSet> | undefined;

  constructor({ auth }: AppConfig) {
    this.settings = auth.jwt;
    if (auth.jwt !== undefined)
      this.keys = createRemoteJWKSet(new URL(auth.jwt.jwksUrl), { timeoutDuration: JWKS_TIMEOUT_MS });
  }

  /** Whether it is a text for this verifier. */
  takes(credential: string): boolean {
    return this.keys !== undefined && COMPACT_JWS.test(credential);
  }

  /**
   * Who a token speaks for, for as long as its issuer says.
   * @returns undefined for a token that is not valid
   * @throws AppError SERVICE_UNAVAILABLE when the issuer's keys cannot be had
   */
  async verify(token: string): Promise<Caller | undefined> {
    const { settings, keys } = this;
    if (settings === undefined || keys === undefined) return undefined;
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer: settings.issuer,
        audience: settings.audience,
        algorithms: ALGORITHMS,
        clockTolerance: CLOCK_TOLERANCE_S,
        requiredClaims: ['sub', 'exp'],
      });
      return callerOf(payload, settings.scopesClaim, settings.labelsClaim);
    } catch (error) {
      if (isOfToken(error)) return undefined;
      throw new AppError('SERVICE_UNAVAILABLE', "The identity provider's keys cannot be had now.", {
        headers: { 'Retry-After': '5' },
        cause: error,
      });
    }
  }
}

function callerOf(payload: JWTPayload, scopesClaim: string, labelsClaim: string): Caller | undefined {
  // whatever the type says, it is what the token says
  const sub: unknown = payload.sub;
  if (typeof sub !== 'string' || !SUBJECT.test(sub)) return undefined;
  const granted = words(payload[scopesClaim]);
  // of another service's administrators, too, a provider may say `admin`
  const isGranted = (scope: Scope): boolean =>
    granted.includes(`footnote:${scope}`) || (scope !== 'admin' && granted.includes(scope));
  const scopes = SCOPES.filter(isGranted);
  return {
    ...unrestricted(`jwt:${sub}`),
    scopes,
    labels: scopes.includes('admin') ? undefined : words(payload[labelsClaim]).slice(0, MOST_LABELS),
  };
}

/** A claim that is a list, or one text with spaces between its items (RFC 8693, `scope`). */
function words(claim: unknown): string[] {
  const items: unknown[] = typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : [];
  return items.filter(isWord);
}

/** What can be a label. */
function isWord(item: unknown): item is string {
  return typeof item === 'string' && item !== '' && isStorable(item);
}

/** The token is wrong, and not the way to its keys. */
function isOfToken(error: unknown): boolean {
  return (
    error instanceof errors.JWTClaimValidationFailed ||
    error instanceof errors.JWTExpired ||
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JOSEAlgNotAllowed ||
    error instanceof errors.JOSENotSupported ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys
  );
}
