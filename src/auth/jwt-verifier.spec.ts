// Real: jose, and HTTP to an identity provider on a loopback port, which is a stand-in.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { base64url, exportSPKI, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  AUDIENCE,
  IdentityProvider,
  ISSUER,
  type SigningKey,
  signingKey,
} from '../../test/support/identity-provider.js';
import { AppError } from '../common/index.js';
import { AppConfig } from '../config/index.js';
import { JwtVerifier } from './jwt-verifier.js';

const ADMIN_API_KEY = 'the-admin-key-of-this-test-0123456789';

let provider: IdentityProvider;
let stranger: SigningKey;
beforeAll(async () => {
  provider = await IdentityProvider.start();
  stranger = await signingKey('first');
});
afterAll(() => provider[Symbol.asyncDispose]());

let own: SigningKey;
let verifier: JwtVerifier;
const verifierWith = (env: Record<string, string> = {}) =>
  new JwtVerifier(new AppConfig({ ADMIN_API_KEY, ...provider.env, ...env }));
beforeEach(() => {
  own = provider.keys[0]!;
  verifier = verifierWith();
});
afterEach(() => {
  provider.keys = [own];
  provider.behaviour = undefined;
  vi.useRealTimers();
});

const now = () => Math.floor(Date.now() / 1000);

describe('takes', () => {
  it('what looks like a token, where there is an identity provider', async () => {
    const token = await provider.token();
    expect(verifier.takes(token)).toBe(true);
    for (const text of ['', 'a', 'a.b', 'a.b.c.d', 'a..c', 'a.b.c ', 'ä.b.c', ADMIN_API_KEY])
      expect(verifier.takes(text), text).toBe(false);
    const none = new JwtVerifier(new AppConfig({ ADMIN_API_KEY }));
    expect(none.takes(token)).toBe(false);
    expect(await none.verify(token)).toBeUndefined();
  });
});

describe('a valid token', () => {
  it('is for its subject, under no limits of its own', async () => {
    expect(await verifier.verify(await provider.token({ scope: 'ask' }))).toEqual({
      id: 'jwt:alice',
      scopes: ['ask'],
      readable: undefined,
      writable: undefined,
      labels: [],
      limits: {},
      dailyUsd: undefined,
      monthlyUsd: undefined,
    });
  });

  it.each<[unknown, string[]]>([
    ['ask search', ['ask', 'search']],
    ['openid footnote:ask  profile footnote:ingest', ['ask', 'ingest']],
    [
      ['search', 'footnote:metrics', 7, null, ['ask']],
      ['search', 'metrics'],
    ],
    ['ask footnote:ask', ['ask']],
    ['footnote:admin', ['admin']],
    ['ASK asking footnote: footnote:askx xfootnote:ask ask,search', []],
    ['', []],
    [undefined, []],
    [{ ask: true }, []],
    [1, []],
  ])('with the scopes %j may %j', async (scope, scopes) => {
    expect((await verifier.verify(await provider.token({ scope })))?.scopes).toEqual(scopes);
  });

  it.each<[unknown, string[]]>([
    [
      ['hr', 'board'],
      ['hr', 'board'],
    ],
    ['hr board', ['hr', 'board']],
    [['two words', 7, null, {}], ['two words']],
    [['a\0b', '\ud800', 'ok'], ['ok']],
    ['a\0b \ud800 ok', ['ok']],
    [undefined, []],
    [{ hr: true }, []],
  ])('with the groups %j carries the labels %j', async (groups, labels) => {
    expect((await verifier.verify(await provider.token({ scope: 'ask', groups })))?.labels).toEqual(labels);
  });

  it('carries so many labels and no more', async () => {
    const groups = Array.from({ length: 1_500 }, (_, index) => `group-${index}`);
    expect((await verifier.verify(await provider.token({ groups })))?.labels).toEqual(groups.slice(0, 1_000));
  });

  it('of an administrator sees whatever is labelled', async () => {
    const caller = await verifier.verify(await provider.token({ scope: 'footnote:admin', groups: ['hr'] }));
    expect(caller).toMatchObject({ scopes: ['admin'] });
    expect(caller?.labels).toBeUndefined();
  });

  it('may have its scopes and labels in other claims', async () => {
    const other = verifierWith({
      AUTH_SCOPES_CLAIM: 'roles',
      AUTH_LABELS_CLAIM: 'https://example.com/teams',
    });
    const claims = { roles: ['footnote:search'], 'https://example.com/teams': ['hr'] };
    const token = await provider.token({ ...claims, scope: 'footnote:admin', groups: ['board'] });
    expect(await other.verify(token)).toMatchObject({ scopes: ['search'], labels: ['hr'] });
  });

  it.each(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'])(
    'may be signed with %s',
    async (alg) => {
      provider.keys = [await signingKey('its', alg)];
      expect((await verifier.verify(await provider.token()))?.id).toBe('jwt:alice');
    },
    60_000,
  );

  it('may be for others too, and its issuer one of the clocks that are not exact', async () => {
    for (const claims of [
      { aud: ['others', AUDIENCE] },
      { exp: now() - 10 },
      { nbf: now() + 10 },
      { nbf: now() - 100 },
      { extra: { deep: [1] } },
    ])
      expect(await verifier.verify(await provider.token(claims)), JSON.stringify(claims)).toBeDefined();
  });

  it.each(['a', 'admin', 'service', 'Jürgen Ä', 'auth0|1234', 'x'.repeat(200), '😀'.repeat(200)])(
    'may be for %s',
    async (sub) => {
      expect((await verifier.verify(await provider.token({ sub })))?.id).toBe(`jwt:${sub}`);
    },
  );

  it('needs no key id where the provider has one key only', async () => {
    expect(await verifier.verify(await provider.token({}, own, { kid: undefined }))).toBeDefined();
  });
});

describe('a token is refused', () => {
  it.each<[string, Record<string, unknown>]>([
    ['expired', { exp: now() - 60 }],
    ['without an end', { exp: undefined }],
    ['with an end that is no number', { exp: 'never' }],
    ['not yet valid', { nbf: now() + 600 }],
    ['of another issuer', { iss: 'https://evil.example.com/' }],
    ['of almost the issuer', { iss: ISSUER.slice(0, -1) }],
    ['of several issuers', { iss: [ISSUER, 'x'] }],
    ['without an issuer', { iss: undefined }],
    ['for another audience', { aud: 'others' }],
    ['for several others', { aud: ['others', `${AUDIENCE}x`] }],
    ['for no audience', { aud: undefined }],
    ['without a subject', { sub: undefined }],
    ['for an empty subject', { sub: '' }],
    ['for a subject that is no text', { sub: 7 }],
    ['for a subject that is a list', { sub: ['alice'] }],
    ['for a subject with a line break', { sub: 'alice\nadmin' }],
    ['for a subject with NUL', { sub: 'alice\0' }],
    ['for a subject that is no text of Unicode', { sub: 'alice\ud800' }],
    ['for a subject that is too long', { sub: 'x'.repeat(201) }],
  ])('%s', async (_, claims) => {
    expect(await verifier.verify(await provider.token(claims))).toBeUndefined();
  });

  const SEGMENT = (value: unknown) => base64url.encode(JSON.stringify(value));
  it.each<[string, () => Promise<string> | string]>([
    ['signed by somebody else under the key id of the provider', () => provider.token({}, stranger)],
    ['of a key that there is not', () => provider.token({}, { ...stranger, kid: 'other' })],
    ['of a hostile key id', () => provider.token({}, own, { kid: '__proto__' })],
    [
      'with its own key in the header',
      () => provider.token({}, stranger, { jwk: stranger.jwk, kid: undefined }),
    ],
    [
      'with a header that asks for what is not known',
      () =>
        new SignJWT({ iss: ISSUER, aud: AUDIENCE, sub: 'alice', exp: now() + 300 })
          .setProtectedHeader({ alg: own.alg, kid: own.kid, crit: ['x'], x: 1 })
          .sign(own.privateKey, { crit: { x: true } }),
    ],
    [
      'unsigned',
      () =>
        new UnsecuredJWT({ sub: 'alice' })
          .setIssuer(ISSUER)
          .setAudience(AUDIENCE)
          .setExpirationTime('5m')
          .encode()
          .concat('AA'),
    ],
    [
      'that says none, with the signature of another',
      async () => {
        const [, payload, signature] = (await provider.token()).split('.');
        return [SEGMENT({ alg: 'none', kid: own.kid }), payload, signature].join('.');
      },
    ],
    [
      'whose claims were changed',
      async () => {
        const [header, , signature] = (await provider.token()).split('.');
        const claims = { iss: ISSUER, aud: AUDIENCE, sub: 'root', exp: now() + 300, scope: 'footnote:admin' };
        return [header, SEGMENT(claims), signature].join('.');
      },
    ],
    ['whose signature was cut', async () => (await provider.token()).slice(0, -4)],
    ['that is no JSON', () => `${base64url.encode('{')}.${base64url.encode('x')}.AAAA`],
    ['that is no object', () => `${SEGMENT('x')}.${SEGMENT([])}.AAAA`],
    ['of nothing', () => 'a.b.c'],
  ])('%s', async (_, make) => {
    const token = await make();
    expect(verifier.takes(token)).toBe(true);
    expect(await verifier.verify(token)).toBeUndefined();
  });

  it('signed with the public key as a shared secret, in whatever form', async () => {
    provider.keys = [await signingKey('rsa', 'RS256')];
    const [rsa] = provider.keys;
    // and where the provider publishes a shared secret by mistake
    const secret = base64url.encode('a secret that everybody can read!!!!');
    provider.keys.push({ ...rsa!, jwk: { kty: 'oct', k: secret, kid: 'oct', alg: 'HS256' } });
    const spki = await exportSPKI(rsa!.publicKey);
    const forms = [spki, spki.trim(), JSON.stringify(rsa!.jwk), rsa!.jwk.n!];
    for (const [kid, bytes] of [
      ...forms.map((form) => ['rsa', Buffer.from(form)] as const),
      ['oct', Buffer.from(secret, 'base64url')] as const,
    ])
      for (const alg of ['HS256', 'HS384', 'HS512']) {
        const token = await new SignJWT({ iss: ISSUER, aud: AUDIENCE, sub: 'root', exp: now() + 300 })
          .setProtectedHeader({ alg, kid })
          .sign(bytes);
        expect(await verifier.verify(token), `${alg} ${kid}`).toBeUndefined();
      }
  });

  it('that names keys of its own, which are not even looked at', async () => {
    let asked = 0;
    const evil = createServer((_request, response) => {
      asked++;
      response.end(JSON.stringify({ keys: [stranger.jwk] }));
    });
    await new Promise<void>((resolve) => evil.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(evil.address() as AddressInfo).port}/`;
      const token = await provider.token({ iss: url }, stranger, { jku: url, x5u: url });
      expect(await verifier.verify(token)).toBeUndefined();
      expect(asked).toBe(0);
    } finally {
      evil.close();
    }
  });
});

describe("the provider's keys", () => {
  it('are asked for once, whatever the number of tokens', async () => {
    const before = provider.requests;
    const tokens = await Promise.all(Array.from({ length: 20 }, () => provider.token()));
    await Promise.all(tokens.map((token) => verifier.verify(token)));
    await verifier.verify(await provider.token());
    expect(provider.requests).toBe(before + 1);
  });

  it('are not asked for on behalf of what is no token', async () => {
    const before = provider.requests;
    for (const text of ['a.b.c', `${base64url.encode('{}')}.e30.AAAA`])
      expect(await verifier.verify(text)).toBeUndefined();
    expect(provider.requests).toBe(before);
  });

  it('may change: a new one is known when tokens come with it, but the provider is not asked each time', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    expect(await verifier.verify(await provider.token())).toBeDefined();
    const before = provider.requests;
    const next = await signingKey('second');
    provider.keys = [next, own];
    const token = await provider.token();
    // it was asked a moment ago
    for (let index = 0; index < 5; index++) expect(await verifier.verify(token)).toBeUndefined();
    expect(provider.requests).toBe(before);
    vi.setSystemTime(Date.now() + 31_000);
    expect(await verifier.verify(token)).toBeDefined();
    expect(await verifier.verify(await provider.token({}, own))).toBeDefined();
    expect(provider.requests).toBe(before + 1);
    // one that was withdrawn is known until the provider is asked again
    provider.keys = [next];
    vi.setSystemTime(Date.now() + 11 * 60_000);
    expect(await verifier.verify(await provider.token({}, own))).toBeUndefined();
    expect(await verifier.verify(await provider.token({}, next))).toBeDefined();
  });

  it.each<[string, IdentityProvider['behaviour']]>([
    ['an error', (response) => response.writeHead(500).end('{"keys":[]}')],
    ['a redirect', (response) => response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end()],
    ['no JSON', (response) => response.end('<html>')],
    ['other JSON', (response) => response.end('{"keys":"none"}')],
    ['nothing', (response) => response.end()],
    ['the end of the connection', (response) => response.destroy()],
  ])(
    'that cannot be had because the provider answers with %s are 503, and are asked for again',
    async (_, behaviour) => {
      provider.behaviour = behaviour;
      const token = await provider.token();
      for (let index = 0; index < 2; index++) await expectUnavailable(verifier.verify(token));
      // what is no token is none, whatever the provider does
      expect(await verifier.verify('a.b.c')).toBeUndefined();
      provider.behaviour = undefined;
      expect(await verifier.verify(token)).toBeDefined();
    },
  );

  it('that cannot be had because nobody listens are 503', async () => {
    await expectUnavailable(
      verifierWith({ AUTH_JWKS_URL: 'http://127.0.0.1:1/' }).verify(await provider.token()),
    );
  });

  it('are known for ten minutes while the provider is down', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    expect(await verifier.verify(await provider.token())).toBeDefined();
    provider.behaviour = (response) => response.destroy();
    vi.setSystemTime(Date.now() + 9 * 60_000);
    expect(await verifier.verify(await provider.token())).toBeDefined();
  });

  async function expectUnavailable(verifying: Promise<unknown>): Promise<void> {
    const error = await verifying.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AppError);
    expect(error).toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    expect((error as AppError).message).not.toMatch(/127\.0\.0\.1|jwks/i);
  }
});

describe('the configuration', () => {
  const whole = {
    ADMIN_API_KEY,
    AUTH_JWKS_URL: 'https://x.example/jwks',
    AUTH_ISSUER: 'i',
    AUTH_AUDIENCE: 'a',
  };

  it('is taken whole', () => {
    expect(new AppConfig(whole).auth.jwt).toMatchObject({ issuer: 'i', audience: 'a', scopesClaim: 'scope' });
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ['AUTH_ISSUER', { AUTH_ISSUER: '' }, /AUTH_JWKS_URL is set, so AUTH_ISSUER/],
    ['AUTH_AUDIENCE', { AUTH_AUDIENCE: '' }, /AUTH_ISSUER and AUTH_AUDIENCE must be set/],
    ['ADMIN_API_KEY', { ADMIN_API_KEY: '' }, /AUTH_JWKS_URL is set, but ADMIN_API_KEY is not/],
  ])('is refused without %s', (_, env, message) => {
    expect(() => new AppConfig({ ...whole, ...env })).toThrow(message);
  });

  it.each(['ftp://x.example/jwks', 'jwks.json', 'file:///etc/passwd'])(
    'is refused with the URL %s',
    (url) => {
      expect(() => new AppConfig({ ...whole, AUTH_JWKS_URL: url })).toThrow(/AUTH_JWKS_URL takes a URL/);
    },
  );
});
