import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';

export const ISSUER = 'https://login.example.com/';
export const AUDIENCE = 'footnote-test';

/** A key that tokens are signed with, and its public half as the provider publishes it. */
export interface SigningKey {
  alg: string;
  kid: string;
  privateKey: CryptoKey;
  publicKey: CryptoKey;
  jwk: JWK;
}

export async function signingKey(kid: string, alg = 'ES256'): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { alg, kid, privateKey, publicKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

/** The company's identity provider on a loopback port: it signs tokens, and publishes its keys as a JSON Web Key Set. */
export class IdentityProvider implements AsyncDisposable {
  /** Those that it publishes now; the first one signs. */
  keys: SigningKey[] = [];
  /** Times that it was asked for its keys. */
  requests = 0;
  /** What it answers in place of its keys. */
  behaviour: ((response: ServerResponse) => void) | undefined;

  private constructor(private readonly server: Server) {
    server.on('request', (_request, response: ServerResponse) => {
      this.requests++;
      if (this.behaviour !== undefined) return this.behaviour(response);
      response.writeHead(200, { 'content-type': 'application/json' });
      return response.end(JSON.stringify({ keys: this.keys.map(({ jwk }) => jwk) }));
    });
  }

  static async start(): Promise<IdentityProvider> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const provider = new IdentityProvider(server);
    provider.keys = [await signingKey('first')];
    return provider;
  }

  /** What makes the service take its tokens. */
  get env(): Record<string, string> {
    const { port } = this.server.address() as AddressInfo;
    return { AUTH_JWKS_URL: `http://127.0.0.1:${port}/jwks`, AUTH_ISSUER: ISSUER, AUTH_AUDIENCE: AUDIENCE };
  }

  /** A token as it should be, but for these claims; those that are undefined are left out. */
  token(claims: JWTPayload = {}, key = this.keys[0]!, header: Record<string, unknown> = {}): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const payload = { iss: ISSUER, aud: AUDIENCE, sub: 'alice', iat: now, exp: now + 300, ...claims };
    return new SignJWT(payload)
      .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'at+jwt', ...header })
      .sign(key.privateKey);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
