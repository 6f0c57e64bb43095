import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Calls that rewrite a question before it is searched have operations of their own in the ledger. */
export class QueryUnderstanding1764320000000 implements MigrationInterface {
  readonly name = 'QueryUnderstanding1764320000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(allowing([...BEFORE, ...ADDED]));
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DELETE FROM llm_calls WHERE operation IN (${quoted(ADDED)})`);
    await runner.query(allowing(BEFORE));
  }
}

const BEFORE = ['answer', 'judge', 'query_embedding', 'document_embedding'];
const ADDED = ['condense', 'multi_query'];

function allowing(operations: readonly string[]): string {
  return `ALTER TABLE llm_calls DROP CONSTRAINT llm_calls_operation_check,
     ADD CONSTRAINT llm_calls_operation_check CHECK (operation IN (${quoted(operations)}))`;
}

function quoted(operations: readonly string[]): string {
  return operations.map((operation) => `'${operation}'`).join(', ');
}
