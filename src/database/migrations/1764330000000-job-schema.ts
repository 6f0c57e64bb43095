import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The schema of pg-boss, which makes the rest by itself: replicas that start together on an empty database would meet
 * in CREATE SCHEMA, while one of them at a time runs migrations.
 */
export class JobSchema1764330000000 implements MigrationInterface {
  readonly name = 'JobSchema1764330000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE SCHEMA IF NOT EXISTS pgboss');
  }

  /** The jobs stay. */
  async down(): Promise<void> {}
}
