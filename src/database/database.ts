import { Injectable } from '@nestjs/common';
import type { Pool, PoolClient, QueryResult, QueryResultRow } from 'pg';
import { DataSource } from 'typeorm';

/** What can run a statement: the pool, or the one connection of a transaction. */
export interface SqlRunner {
  query<Row extends QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]>;
}

/**
 * SQL on TypeORM's connection pool, typed by row, without the entity layer: for the statements that the modules write
 * by hand (search, ingestion, the ledger), where each one counts.
 */
@Injectable()
export class Database implements SqlRunner {
  constructor(private readonly dataSource: DataSource) {}

  /** The `pg` pool, for libraries that take one. */
  get pool(): Pool {
    // TypeORM's postgres driver keeps its pool under this name
    return (this.dataSource.driver as unknown as { master: Pool }).master;
  }

  async query<Row extends QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]> {
    return rows(await this.pool.query<Row>(text, values as unknown[]));
  }

  /** True when this version knows migrations that the database has not had. */
  pendingMigrations(): Promise<boolean> {
    return this.dataSource.showMigrations();
  }

  /** Runs `work` in one transaction: all of it is kept, or, when it throws, none. */
  async transaction<T>(work: (transaction: SqlRunner) => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
    let broken: Error | undefined;
    try {
      await client.query('BEGIN');
      const result = await work(runnerOf(client));
      await client.query('COMMIT');
      return result;
    } catch (error) {
      // a connection that cannot even roll back is not given back to the pool
      await client.query('ROLLBACK').catch((failure: Error) => (broken = failure));
      throw error;
    } finally {
      client.release(broken);
    }
  }
}

function runnerOf(client: PoolClient): SqlRunner {
  return {
    query: async <Row extends QueryResultRow>(text: string, values?: readonly unknown[]) =>
      rows(await client.query<Row>(text, values as unknown[])),
  };
}

/** A text of several statements gives a list of results; the last one counts. */
function rows<Row extends QueryResultRow>(result: QueryResult<Row> | QueryResult<Row>[]): Row[] {
  return Array.isArray(result) ? (result.at(-1)?.rows ?? []) : result.rows;
}
