// Real: HTTP, database and the ledger. The provider is a stand-in that speaks its wire protocol.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { UsageDto } from '../src/costs/usage/usage.dto.js';
import { type ApiClient, expectProblem, startApp, type TestApp } from './support/app.js';
import { answer, FakeProvider } from './support/fake-providers/index.js';
import { ADMIN_KEY, makeKey, withSecret } from './support/keys.js';

const ASK = { question: 'How often are API keys rotated?' };
const DAY_MS = 24 * 3600 * 1000;

let provider: FakeProvider;
let app: TestApp;
let admin: ApiClient;
let team: ApiClient;
let other: ApiClient;
let ids: { team: string; other: string };

async function usage(client: ApiClient, query = ''): Promise<UsageDto> {
  const reply = await client.get<UsageDto>(`/usage${query}`);
  expect(reply.status, JSON.stringify(reply.body)).toBe(200);
  return reply.body;
}

beforeAll(async () => {
  provider = await FakeProvider.start();
  provider.default(answer('Every 90 days.', { usage: { inputTokens: 1000, outputTokens: 100 } }));
  app = await startApp({
    ADMIN_API_KEY: ADMIN_KEY,
    LLM_MODELS: 'openai/team-model',
    OPENAI_API_KEY: 'k',
    OPENAI_BASE_URL: provider.openaiBaseUrl,
    MODEL_PRICES: '{"openai/team-model": {"input_mtok": 0.1, "output_mtok": 0.3}}',
  });
  admin = withSecret(app, ADMIN_KEY);
  await admin.addDocument({ title: 'Key rotation', text: 'API keys are rotated every 90 days.' });
  const one = await makeKey(admin, { scopes: ['ask'] });
  const two = await makeKey(admin, { scopes: ['ask', 'metrics'] });
  team = one.client;
  other = two.client;
  ids = { team: one.id, other: two.id };
  for (let index = 0; index < 3; index++) await team.ask(ASK);
  await other.ask(ASK);
  // the day before, as if it had been then
  await app.sql(
    `UPDATE llm_calls SET created_at = created_at - interval '1 day'
     WHERE request_id = (SELECT request_id FROM llm_calls WHERE key_id = $1 ORDER BY created_at LIMIT 1)`,
    [ids.team],
  );
});
afterAll(async () => {
  await app.stop();
  await provider.stop();
});

describe('GET /usage', () => {
  it('is by day and key, newest first, and comes to the total of the bill', async () => {
    const { usage: rows, total_cost_usd, from, to } = await usage(admin);
    expect(Date.parse(to) - Date.parse(from)).toBe(30 * DAY_MS);
    expect(Date.parse(to)).toBeGreaterThan(Date.now());
    const byKey = rows.map(({ day, key_id, requests, cost_usd }) => ({ day, key_id, requests, cost_usd }));
    const today = byKey[0]!.day;
    const yesterday = new Date(Date.parse(today) - DAY_MS).toISOString().slice(0, 10);
    expect(byKey.filter(({ key_id }) => key_id === ids.team)).toEqual([
      { day: today, key_id: ids.team, requests: 2, cost_usd: 0.00026 },
      { day: yesterday, key_id: ids.team, requests: 1, cost_usd: 0.00013 },
    ]);
    expect(byKey.filter(({ key_id }) => key_id === ids.other)).toEqual([
      { day: today, key_id: ids.other, requests: 1, cost_usd: 0.00013 },
    ]);
    expect(byKey.map(({ key_id }) => key_id)).toContain('admin');
    const row = rows.find(({ day, key_id }) => key_id === ids.team && day === today)!;
    expect(row.tokens).toMatchObject({ input_tokens: 2000, output_tokens: 200 });
    const summary = await admin.get<{
      total_cost_usd: number;
      by_key: { key_id: string; cost_usd: number }[];
    }>('/metrics');
    expect(total_cost_usd).toBe(0.00052);
    expect(summary.body.total_cost_usd).toBe(total_cost_usd);
    expect(summary.body.by_key).toContainEqual(
      expect.objectContaining({ key_id: ids.team, cost_usd: 0.00039 }),
    );
  });

  it('is a key’s own without the scope metrics', async () => {
    expect(new Set((await usage(team)).usage.map(({ key_id }) => key_id))).toEqual(new Set([ids.team]));
    expect((await usage(team, `?key_id=${ids.team}`)).usage).toHaveLength(2);
    expectProblem(await team.get(`/usage?key_id=${ids.other}`), 403, 'FORBIDDEN');
    expectProblem(await team.get('/usage?key_id=admin'), 403, 'FORBIDDEN');
    expect((await usage(other, `?key_id=${ids.team}`)).usage).toHaveLength(2);
    expectProblem(await app.get('/usage'), 401, 'UNAUTHENTICATED');
  });

  it('is bounded, and says by what', async () => {
    const { usage: rows } = await usage(admin, `?from=${new Date().toISOString().slice(0, 10)}`);
    expect(new Set(rows.map(({ day }) => day)).size).toBe(1);
    expect((await usage(admin, '?from=2020-01-01&to=2020-12-31')).usage).toEqual([]);
    for (const query of ['?from=2020-01-01', '?from=soon', '?to=2026-13-01', '?format=xml', '?key=1'])
      expect(expectProblem(await admin.get(`/usage${query}`), 400, 'INVALID_REQUEST').errors).toHaveLength(1);
  });

  it('is CSV for who wants that, exact to the last digit', async () => {
    for (const reply of [
      await team.get<string>('/usage', { accept: 'text/csv' }),
      await team.get<string>('/usage?format=csv'),
    ]) {
      expect(reply.headers.get('content-type')).toMatch(/^text\/csv; charset=utf-8/);
      expect(reply.headers.get('content-disposition')).toMatch(/^attachment; filename="usage-[\d-]+\.csv"$/);
      const [head, today, yesterday, end, ...more] = reply.body.split('\r\n');
      expect(head).toBe(
        'day,key_id,requests,calls,cost_usd,unpriced_calls,input_tokens,output_tokens,cache_read_tokens,cache_write_tokens,embedding_tokens',
      );
      expect(today).toMatch(new RegExp(`^[\\d-]{10},${ids.team},2,4,0\\.000260000000,0,2000,200,0,0,\\d+$`));
      expect(yesterday).toMatch(
        new RegExp(`^[\\d-]{10},${ids.team},1,2,0\\.000130000000,0,1000,100,0,0,\\d+$`),
      );
      expect([end, ...more]).toEqual(['']);
    }
    expect((await team.get('/usage', { accept: '*/*' })).headers.get('content-type')).toMatch(/json/);
  });
});
