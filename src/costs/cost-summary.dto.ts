import { ApiProperty } from '@nestjs/swagger';

/** Tokens as billed. */
export class TokenTotals {
  @ApiProperty({ example: 70_000, description: 'Without the cached ones.' })
  input_tokens!: number;

  @ApiProperty({ example: 11_200 })
  output_tokens!: number;

  @ApiProperty({ example: 0 })
  cache_read_tokens!: number;

  @ApiProperty({ example: 0 })
  cache_write_tokens!: number;

  @ApiProperty({ example: 900 })
  embedding_tokens!: number;
}

/** What a group of calls cost. */
export class CostGroup {
  @ApiProperty({ example: 0.38, description: 'US dollars; calls without a known price are not in it.' })
  cost_usd!: number;

  @ApiProperty({ example: 100, description: 'Asks and searches.' })
  requests!: number;

  @ApiProperty({ example: 100, description: 'Calls to models.' })
  calls!: number;

  @ApiProperty({ example: 0, description: 'Calls whose price is not known.' })
  unpriced_calls!: number;

  @ApiProperty({ type: TokenTotals })
  tokens!: TokenTotals;
}

class ModelCosts extends CostGroup {
  @ApiProperty({ example: 'anthropic/claude-sonnet-5' })
  model!: string;
}

class OperationCosts extends CostGroup {
  @ApiProperty({
    example: 'answer',
    enum: ['answer', 'judge', 'condense', 'multi_query', 'rerank', 'query_embedding', 'document_embedding'],
  })
  operation!: string;
}

class KeyCosts extends CostGroup {
  @ApiProperty({
    example: '8f0f5a2e-6d1c-4a51-8f0e-0d9b7c1a2b3c',
    description:
      'Of a key; or `admin`, `anonymous` (without authentication), `jwt:<subject>`, `service` (nobody asked for it).',
  })
  key_id!: string;
}

class DayCosts extends CostGroup {
  @ApiProperty({ example: '2026-11-22', description: 'UTC.' })
  day!: string;
}

/** A budget in its current period. */
export class BudgetStateDto {
  @ApiProperty({ example: 'service', description: '`service` or a key id.' })
  scope!: string;

  @ApiProperty({ enum: ['day', 'month'] })
  period!: string;

  @ApiProperty({ example: 25 })
  limit_usd!: number;

  @ApiProperty({ example: 3.21 })
  spent_usd!: number;

  @ApiProperty({ example: 0.02, description: 'The most that calls under way may still cost.' })
  reserved_usd!: number;

  @ApiProperty({ example: '2026-11-23T00:00:00Z' })
  resets_at!: string;
}

/** The bill. */
export class CostSummary {
  @ApiProperty({ example: 0.38, description: 'US dollars; calls without a known price are not in it.' })
  total_cost_usd!: number;

  @ApiProperty({ example: 100, description: 'Asks and searches, whatever they cost.' })
  total_requests!: number;

  @ApiProperty({ type: TokenTotals })
  total_tokens!: TokenTotals;

  @ApiProperty({ example: 0, description: 'Calls whose price is not known: set it with MODEL_PRICES.' })
  unpriced_calls!: number;

  @ApiProperty({ type: [ModelCosts] })
  by_model!: ModelCosts[];

  @ApiProperty({ type: [OperationCosts] })
  by_operation!: OperationCosts[];

  @ApiProperty({ type: [KeyCosts] })
  by_key!: KeyCosts[];

  @ApiProperty({ type: [DayCosts] })
  by_day!: DayCosts[];

  @ApiProperty({ type: [BudgetStateDto] })
  budgets!: BudgetStateDto[];
}
