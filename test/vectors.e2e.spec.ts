// Real: the application and its database. Checks our binary vectors against the reference library's text.
import pgvector from 'pgvector';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toVectorParameter } from '../src/embeddings/index.js';
import { startApp, type TestApp } from './support/app.js';

describe('vectors in the database', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp();
  });
  afterAll(() => app.stop());

  it('are read from our binary parameter as from the text that pgvector defines', async () => {
    const vector = Float32Array.from({ length: 1024 }, (_, index) => Math.fround(Math.sin(index) / 3));
    const [row] = await app.sql<{ same: boolean; distance: number; dimensions: number }>(
      `SELECT $1::real[]::halfvec = $2::halfvec AS same, $1::real[]::halfvec <=> $2::halfvec AS distance,
              vector_dims($1::real[]::halfvec) AS dimensions`,
      [toVectorParameter([vector]), pgvector.toSql([...vector])],
    );
    expect(row).toMatchObject({ same: true, dimensions: 1024 });
    expect(row!.distance).toBeCloseTo(0, 5);
  });
});
