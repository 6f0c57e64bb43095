import { expect } from 'vitest';
import type { CreateKeyDto, KeyWithSecretDto } from '../../src/auth/keys/keys.dto.js';
import type { ApiClient } from './api-client.js';

/** For `ADMIN_API_KEY`. */
export const ADMIN_KEY = 'the-admin-key-of-this-test-0123456789';

/** A key, and the service as it is to who has it. */
export interface TestKey extends KeyWithSecretDto {
  client: ApiClient;
}

/** The same service with this key in place of another. */
export function withSecret(client: ApiClient, secret: string): ApiClient {
  return client.with({ authorization: `Bearer ${secret}` });
}

/** Makes a key, and expects that it is made. */
export async function makeKey(admin: ApiClient, settings: Partial<CreateKeyDto> = {}): Promise<TestKey> {
  const reply = await admin.post<KeyWithSecretDto>('/keys', { name: 'a key', ...settings });
  expect(reply.status, JSON.stringify(reply.body)).toBe(201);
  return { ...reply.body, client: withSecret(admin, reply.body.secret) };
}
