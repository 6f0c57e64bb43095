import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional, OmitType, PartialType } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsIn,
  IsInt,
  IsISO8601,
  IsOptional,
  IsString,
  Length,
  Max,
  MaxLength,
  Min,
  ValidateBy,
} from 'class-validator';
import { IsLabels, IsStorable, PageQuery, SCOPES, type Scope } from '../../common/index.js';

const MOST_COLLECTIONS = 1_000;
const LONGEST_GRACE_S = 30 * 24 * 3600;
export const DEFAULT_GRACE_S = 24 * 3600;
/** Decimals of a budget. */
export const MONEY_DECIMALS = 10;

/** A list of names of collections, or null. */
function IsCollections(description: string, example: string[]): PropertyDecorator {
  return applyDecorators(
    ApiPropertyOptional({
      type: [String],
      nullable: true,
      maxItems: MOST_COLLECTIONS,
      description,
      example,
    }),
    IsOptional(),
    IsArray(),
    ArrayMaxSize(MOST_COLLECTIONS),
    ArrayUnique(),
    IsString({ each: true }),
    Length(1, 100, { each: true }),
    IsStorable(),
  );
}

/** US dollars that a budget holds exactly. `IsNumber` fails on numbers that are written with an exponent. */
function IsMoney(): PropertyDecorator {
  return ValidateBy({
    name: 'isMoney',
    validator: {
      validate: (value) => typeof value === 'number' && Number(value.toFixed(MONEY_DECIMALS)) === value,
      defaultMessage: () => `$property must be a number of at most ${MONEY_DECIMALS} decimals`,
    },
  });
}

/** What a key may be used for. */
export class CreateKeyDto {
  @ApiProperty({ example: 'payments chat', maxLength: 100 })
  @IsString()
  @Length(1, 100)
  @IsStorable()
  name!: string;

  @ApiPropertyOptional({
    example: 'owner: team-payments@example.com',
    type: String,
    nullable: true,
    maxLength: 1000,
    description: 'Whose it is, and what for.',
  })
  @IsOptional()
  @IsString()
  @MaxLength(1000)
  @IsStorable()
  note?: string | null;

  @ApiPropertyOptional({
    enum: SCOPES,
    isArray: true,
    example: ['ask'],
    default: ['ask', 'search'],
    description:
      '`ask`: questions; `search`: whole passages; `ingest`: documents and collections; `metrics`: the bill; `admin`: ' +
      'everything, keys too.',
  })
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayUnique()
  @IsIn(SCOPES, { each: true })
  scopes?: Scope[];

  @IsCollections('What it may read. Absent or null: all. Not for `admin`.', ['handbook'])
  collections?: string[] | null;

  @IsCollections('What it may write to, with the scope `ingest`. Absent or null: what it may read.', [])
  write_collections?: string[] | null;

  @ApiPropertyOptional({
    type: [String],
    example: ['hr'],
    default: [],
    description:
      'Visibility labels that it carries: it finds documents that one of them is `allowed`, and those that everybody is.',
  })
  @IsOptional()
  @IsLabels()
  labels?: string[];

  @ApiPropertyOptional({
    type: Number,
    nullable: true,
    minimum: 0,
    maximum: 1_000_000,
    example: 120,
    description: 'Requests in any 60 seconds; 0: no limit; absent or null: RATE_LIMIT_RPM.',
  })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(1_000_000)
  rpm?: number | null;

  @ApiPropertyOptional({
    type: Number,
    nullable: true,
    minimum: 0,
    maximum: 1_000_000_000,
    example: 200_000,
    description: 'Tokens in any 60 seconds; 0: no limit; absent or null: RATE_LIMIT_TPM.',
  })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(1_000_000_000)
  tpm?: number | null;

  @ApiPropertyOptional({
    type: Number,
    nullable: true,
    minimum: 0,
    maximum: 10_000,
    example: 20,
    description: 'Requests in flight; 0: no limit; absent or null: RATE_LIMIT_CONCURRENCY.',
  })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(10_000)
  concurrency?: number | null;

  @ApiPropertyOptional({
    type: Number,
    nullable: true,
    minimum: 0,
    example: 5,
    description: 'Hard budget of each UTC day, US dollars. Absent or null: none of its own.',
  })
  @IsOptional()
  @IsMoney()
  @Min(0)
  @Max(1_000_000)
  daily_usd?: number | null;

  @ApiPropertyOptional({
    type: Number,
    nullable: true,
    minimum: 0,
    example: 100,
    description: 'Hard budget of each UTC month, US dollars. Absent or null: none of its own.',
  })
  @IsOptional()
  @IsMoney()
  @Min(0)
  @Max(1_000_000)
  monthly_usd?: number | null;

  @ApiPropertyOptional({
    example: '2027-06-30T00:00:00Z',
    type: String,
    nullable: true,
    description: 'From then on it is refused. Absent or null: never.',
  })
  @IsOptional()
  @IsISO8601({ strict: true })
  expires_at?: string | null;
}

/** What to change of a key; what is absent stays, null sets back to the default. */
export class UpdateKeyDto extends PartialType(CreateKeyDto, { skipNullProperties: false }) {}

/** How to give a key a new secret. */
export class RotateKeyDto {
  @ApiPropertyOptional({
    type: Number,
    nullable: true,
    example: DEFAULT_GRACE_S,
    default: DEFAULT_GRACE_S,
    minimum: 0,
    maximum: LONGEST_GRACE_S,
    description: 'Seconds for which the secret that it has now is taken too; 0: no longer at all.',
  })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(LONGEST_GRACE_S)
  grace_s?: number | null;
}

/** Which keys to list. */
export class ListKeysQuery extends PageQuery {
  @ApiPropertyOptional({ enum: ['true', 'false'], description: '`true`: those that were revoked, too.' })
  @IsOptional()
  @IsIn(['true', 'false'])
  include_revoked?: 'true' | 'false';
}

/** A key, without its secret. */
export class KeyDto extends OmitType(CreateKeyDto, ['expires_at'] as const) {
  @ApiProperty({ example: '8f0f5a2e-6d1c-4a51-8f0e-0d9b7c1a2b3c', format: 'uuid' })
  id!: string;

  @ApiProperty({ example: 'fn_Zk3vT0qLw8aB', description: 'How its secret begins.' })
  prefix!: string;

  @ApiProperty({ example: null, type: String, nullable: true })
  expires_at!: string | null;

  @ApiProperty({ example: '2026-11-22T10:00:00.000Z' })
  created_at!: string;

  @ApiProperty({
    example: '2026-11-22T10:00:00.000Z',
    type: String,
    nullable: true,
    description: 'To the minute.',
  })
  last_used_at!: string | null;

  @ApiProperty({ example: null, type: String, nullable: true })
  revoked_at!: string | null;

  @ApiProperty({
    example: null,
    type: String,
    nullable: true,
    description: 'Until when the secret before the present one is taken too.',
  })
  previous_secret_expires_at!: string | null;
}

/** A key with its secret. */
export class KeyWithSecretDto extends KeyDto {
  @ApiProperty({
    example: 'fn_Zk3vT0qLw8aB_9Wq0h6m8VbJ4cX1eYpR2tKs7uDfGzNiLoQaPwErTyU',
    description: 'Shown this once: only its hash is kept.',
  })
  secret!: string;
}

/** A page of keys, newest first. */
export class KeyListDto {
  @ApiProperty({ type: [KeyDto] })
  keys!: KeyDto[];

  @ApiProperty({ example: null, type: String, nullable: true })
  next_cursor!: string | null;
}
