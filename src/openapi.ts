// Writes the committed description of the API: `npm run openapi`.
import 'reflect-metadata';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createApp } from './create-app.js';
import { AppConfig } from './config/index.js';
import { openApiDocument } from './openapi-document.js';

const TARGET = fileURLToPath(new URL('../src/openapi.json', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'footnote-openapi-'));
const app = await createApp(new AppConfig({ DATA_DIR: folder, LOG_LEVEL: 'warn' }));
await app.init();
await writeFile(TARGET, `${JSON.stringify(openApiDocument(app), null, 2)}\n`);
await app.close();
await rm(folder, { recursive: true });
