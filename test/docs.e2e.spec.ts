// Real: HTTP, database, Swagger UI and, where there is one, a browser. Nothing is faked.
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApp, type TestApp } from './support/app.js';

const BROWSER = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';
const BROWSER_ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
  // what the documented example asks for
  await app.addDocument({
    title: 'Key rotation',
    text: '# Key rotation\n\nAPI keys are rotated every 90 days. The old key works for another 24 hours.',
    metadata: { team: 'payments', year: 2026 },
  });
});
afterAll(() => app.stop());

describe('the documentation', () => {
  it('is the committed src/openapi.json (made by `npm run openapi`)', async () => {
    const committed: unknown = JSON.parse(
      await readFile(new URL('../src/openapi.json', import.meta.url), 'utf8'),
    );
    expect((await app.get('/openapi.json')).body).toEqual(committed);
  });

  it('has an example of every request body that the service itself accepts', async () => {
    interface Schema {
      $ref?: string;
      oneOf?: Schema[];
      properties?: Record<string, { example?: unknown }>;
    }
    interface Media {
      schema: Schema;
      examples?: Record<string, { value: unknown }>;
    }
    interface Document {
      paths: Record<string, Record<string, { requestBody?: { content: Record<string, Media> } }>>;
      components: { schemas: Record<string, Schema> };
    }
    const { paths, components } = (await app.get<Document>('/openapi.json')).body;
    const tried: string[] = [];
    for (const [path, methods] of Object.entries(paths)) {
      const media = methods['post']?.requestBody?.content['application/json'];
      const name = (media?.schema.$ref ?? media?.schema.oneOf?.[0]?.$ref)?.split('/').at(-1);
      // what a path names would have to be there first
      if (media === undefined || name === undefined || path.includes('{')) continue;
      const properties = Object.entries(components.schemas[name]!.properties ?? {});
      const ofFields = Object.fromEntries(
        properties.flatMap(([key, value]) => (value.example === undefined ? [] : [[key, value.example]])),
      );
      for (const { value } of Object.values(media.examples ?? { fields: { value: ofFields } })) {
        // each in its turn: a document makes the collection that the next example would make
        await app.delete('/collections/handbook');
        const reply = await app.post(path, value);
        expect(reply.status, `${path}: ${JSON.stringify(reply.body)}`).toBeLessThan(300);
      }
      tried.push(path);
    }
    expect(tried.sort()).toEqual([
      '/ask',
      '/ask/batch',
      '/ask/stream',
      '/collections',
      '/documents',
      '/keys',
      '/search',
    ]);
  });

  it('is served as a page, and as YAML', async () => {
    const page = await app.get<string>('/docs');
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toMatch(/^text\/html/);
    expect(page.body).toContain('<title>Footnote API</title>');
    expect((await app.get('/openapi.yaml')).body).toContain('openapi: 3.');
  });

  it.skipIf(!existsSync(BROWSER))(
    'answers a question when somebody tries it out in a browser',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'footnote-browser-'));
      const context = await chromium.launchPersistentContext(folder, {
        executablePath: BROWSER,
        args: BROWSER_ARGUMENTS,
        headless: true,
      });
      try {
        const page = await context.newPage();
        const problems: string[] = [];
        page.on('console', (message) => {
          if (message.type() === 'error') problems.push(message.text());
        });
        page.on('pageerror', (error) => problems.push(error.message));
        page.on('requestfailed', (request) => problems.push(`${request.url()} failed`));
        await page.goto(`${app.url}/docs`);
        const ask = page.locator('#operations-ask-ask');
        await ask.locator('.opblock-summary-control').click();
        const execute = ask.locator('button.execute');
        await execute.waitFor();
        await execute.click();
        const response = ask.locator('.live-responses-table .response').first();
        await response.waitFor();
        expect(await response.locator('.response-col_status').innerText()).toMatch(/^200/);
        expect(await response.locator('.response-col_description').innerText()).toContain(
          'API keys are rotated every 90 days.',
        );
        await page.screenshot({ path: join(folder, 'docs.png'), fullPage: true });
        expect(problems).toEqual([]);
      } finally {
        await context.close();
        await rm(folder, { recursive: true, force: true, maxRetries: 3 });
      }
    },
    90_000,
  );
});
