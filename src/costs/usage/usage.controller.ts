import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, ApiOperation, ApiTags, getSchemaPath } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import {
  ApiProblems,
  AppError,
  type Caller,
  CurrentCaller,
  hasScope,
  instant,
  RequiresScope,
} from '../../common/index.js';
import { toCostGroup } from '../cost-groups.js';
import { sumCosts } from '../money.js';
import { UsageDto, UsageQuery } from './usage.dto.js';
import { type UsageRecord, UsageService } from './usage.service.js';

/** Columns of the CSV, in order. */
const COLUMNS = [
  'day',
  'key_id',
  'requests',
  'calls',
  'cost_usd',
  'unpriced_calls',
  'input_tokens',
  'output_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'embedding_tokens',
] as const satisfies (keyof UsageRecord)[];

@ApiTags('operations')
@Controller('usage')
export class UsageController {
  constructor(private readonly usage: UsageService) {}

  @Get()
  @RequiresScope()
  @ApiOperation({
    operationId: 'getUsage',
    summary: 'Usage by day and key',
    description:
      'From the ledger: your own; with the scope `metrics`, that of all. As JSON or, with `Accept: text/csv` or ' +
      '`?format=csv`, as CSV (RFC 4180) with exact decimals. Absent bounds: the last 30 days.',
  })
  @ApiExtraModels(UsageDto)
  @ApiOkResponse({
    description: 'The usage.',
    content: {
      'application/json': { schema: { $ref: getSchemaPath(UsageDto) } },
      'text/csv': { schema: { type: 'string' }, example: `${COLUMNS.join(',')}\r\n` },
    },
  })
  @ApiProblems('INVALID_REQUEST')
  async get(
    @Query() query: UsageQuery,
    @CurrentCaller() caller: Caller,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const { from, to, rows } = await this.usage.read(
      keyOf(query, caller),
      instant('from', query.from),
      instant('to', query.to),
    );
    const format = query.format ?? (request.accepts(['json', 'text/csv']) === 'text/csv' ? 'csv' : 'json');
    if (format === 'csv')
      response
        .type('text/csv; charset=utf-8; header=present')
        .set(
          'Content-Disposition',
          `attachment; filename="usage-${from.slice(0, 10)}-${to.slice(0, 10)}.csv"`,
        )
        .send(toCsv(rows));
    else
      response.json({
        from,
        to,
        total_cost_usd: sumCosts(rows.map(({ cost_usd }) => cost_usd)) ?? 0,
        usage: rows.map((row) => ({ day: row.day, key_id: row.key_id, ...toCostGroup(row) })),
      } satisfies UsageDto);
  }
}

/** Whose usage is told: undefined: everybody's. @throws AppError FORBIDDEN for another's */
function keyOf({ key_id }: UsageQuery, caller: Caller): string | undefined {
  if (hasScope(caller, 'metrics')) return key_id;
  if (key_id === undefined || key_id === caller.id) return caller.id;
  throw new AppError('FORBIDDEN', 'The usage of other keys takes the scope metrics.');
}

function toCsv(rows: readonly UsageRecord[]): string {
  const lines = [
    COLUMNS.join(','),
    ...rows.map((row) => COLUMNS.map((column) => field(row[column])).join(',')),
  ];
  return lines.map((line) => `${line}\r\n`).join('');
}

function field(value: string | number): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
