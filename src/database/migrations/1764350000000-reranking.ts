import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Calls that rank passages have an operation of their own in the ledger. */
export class Reranking1764350000000 implements MigrationInterface {
  readonly name = 'Reranking1764350000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(allowing([...BEFORE, 'rerank']));
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DELETE FROM llm_calls WHERE operation = 'rerank'`);
    await runner.query(allowing(BEFORE));
  }
}

const BEFORE = ['answer', 'judge', 'condense', 'multi_query', 'query_embedding', 'document_embedding'];

function allowing(operations: readonly string[]): string {
  const list = operations.map((operation) => `'${operation}'`).join(', ');
  return `ALTER TABLE llm_calls DROP CONSTRAINT llm_calls_operation_check,
     ADD CONSTRAINT llm_calls_operation_check CHECK (operation IN (${list}))`;
}
