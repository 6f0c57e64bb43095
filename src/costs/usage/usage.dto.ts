import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, Length } from 'class-validator';
import { IsStorable, TimeQuery } from '../../common/index.js';
import { CostGroup } from '../cost-summary.dto.js';

/** Which usage is asked for. */
export class UsageQuery extends TimeQuery {
  @ApiPropertyOptional({
    example: '8f0f5a2e-6d1c-4a51-8f0e-0d9b7c1a2b3c',
    description: 'Of this key alone. Another than your own takes the scope `metrics`.',
  })
  @IsOptional()
  @IsString()
  @Length(1, 300)
  @IsStorable()
  key_id?: string;

  @ApiPropertyOptional({ enum: ['json', 'csv'], description: 'Absent: as `Accept` says, JSON by default.' })
  @IsOptional()
  @IsIn(['json', 'csv'])
  format?: 'json' | 'csv';
}

/** What one key used on one day. */
export class UsageRow extends CostGroup {
  @ApiProperty({ example: '2026-11-22', description: 'UTC.' })
  day!: string;

  @ApiProperty({
    example: '8f0f5a2e-6d1c-4a51-8f0e-0d9b7c1a2b3c',
    description:
      'Of a key; or `admin`, `anonymous` (without authentication), `jwt:<subject>`, `service` (nobody asked for it).',
  })
  key_id!: string;
}

/** Usage by day and key. */
export class UsageDto {
  @ApiProperty({ example: '2026-10-30T00:00:00.000Z', description: 'First instant that counts.' })
  from!: string;

  @ApiProperty({ example: '2026-11-29T00:00:00.000Z', description: 'First instant that no longer counts.' })
  to!: string;

  @ApiProperty({ example: 0.38, description: 'US dollars; calls without a known price are not in it.' })
  total_cost_usd!: number;

  @ApiProperty({ type: [UsageRow], description: 'Newest day first, then by key.' })
  usage!: UsageRow[];
}
