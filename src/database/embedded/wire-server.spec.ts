import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WireServer } from './wire-server.ts';

describe('WireServer: many connections on one backend session', () => {
  let folder: string;
  let database: PGlite;
  let server: WireServer;
  let pool: pg.Pool;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'footnote-wire-'));
    database = await PGlite.create();
    await database.exec(
      'CREATE TABLE counter (id int PRIMARY KEY, n int); INSERT INTO counter VALUES (1, 0)',
    );
    server = new WireServer(database);
    await server.listen(join(folder, '.s.PGSQL.5432'));
    pool = new pg.Pool({ host: folder, user: 'postgres', database: 'postgres', max: 8 });
  });
  afterAll(async () => {
    await pool.end();
    await server.close();
    await database.close();
    await rm(folder, { recursive: true });
  });

  it('never mixes the statements of two connections', async () => {
    const results = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        index % 2 === 0
          ? pool.query('SELECT $1::int AS value, repeat($2, 3) AS text', [index, 'x'])
          : pool.query('SELECT $1::int AS value', [index]),
      ),
    );
    expect(results.map(({ rows }) => (rows as { value: number }[])[0]!.value)).toEqual(
      results.map((_, index) => index),
    );
    expect(results[0]!.fields).toHaveLength(2);
  });

  it('isolates transactions that read, wait and write', async () => {
    await Promise.all(
      Array.from({ length: 30 }, async () => {
        const client = await pool.connect();
        await client.query('BEGIN');
        const { rows } = await client.query<{ n: number }>('SELECT n FROM counter WHERE id = $1', [1]);
        await new Promise(setImmediate);
        await client.query('UPDATE counter SET n = $1 WHERE id = 1', [rows[0]!.n + 1]);
        await client.query('COMMIT');
        client.release();
      }),
    );
    expect((await pool.query('SELECT n FROM counter')).rows).toEqual([{ n: 30 }]);
  });

  it('rolls back what a lost connection left open, and serves the others', async () => {
    const client = await pool.connect();
    await client.query('BEGIN');
    await client.query('UPDATE counter SET n = 999');
    const waiting = pool.query('SELECT n FROM counter');
    client.release(new Error('lost'));
    expect((await waiting).rows).toEqual([{ n: 30 }]);
  });

  it('keeps going after errors, inside and outside of transactions', async () => {
    await expect(pool.query('SELECT 1/0')).rejects.toThrow('division by zero');
    await expect(pool.query('SELECT $1::int', ['x'])).rejects.toThrow('invalid input syntax');
    const client = await pool.connect();
    await client.query('BEGIN');
    await expect(client.query('SELECT $1::int', ['x'])).rejects.toThrow('invalid input syntax');
    await client.query('ROLLBACK');
    client.release();
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });

  it('takes large statements in many pieces', async () => {
    const text = 'é'.repeat(3_000_000);
    const { rows } = await pool.query<{ length: number }>('SELECT length($1::text) AS length', [text]);
    expect(rows).toEqual([{ length: 3_000_000 }]);
  });

  it('ends a connection that does not speak the protocol', async () => {
    const { createConnection } = await import('node:net');
    const socket = createConnection(join(folder, '.s.PGSQL.5432'));
    socket.write('GET / HTTP/1.1\r\n\r\n');
    await new Promise((resolve) => socket.once('close', resolve));
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });
});
