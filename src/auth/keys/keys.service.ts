import { Injectable } from '@nestjs/common';
import { instant, invalidField, isUuid } from '../../common/index.js';
import { Budgets } from '../../costs/index.js';
import {
  type CreateKeyDto,
  type KeyDto,
  type KeyListDto,
  type KeyWithSecretDto,
  type ListKeysQuery,
  MONEY_DECIMALS,
  type UpdateKeyDto,
} from './keys.dto.js';
import { type KeyRow, keyNotFound, type KeySettings, KeyStore } from './key-store.js';
import { LastUsed } from './last-used.js';
import { newSecret } from './secret.js';

const DEFAULTS: Omit<KeySettings, 'name'> = {
  note: null,
  scopes: ['ask', 'search'],
  collections: null,
  write_collections: null,
  labels: [],
  rpm: null,
  tpm: null,
  concurrency: null,
  daily_usd: null,
  monthly_usd: null,
  expires_at: null,
};

/** Makes, changes and ends keys. */
@Injectable()
export class KeysService {
  constructor(
    private readonly keys: KeyStore,
    private readonly lastUsed: LastUsed,
    private readonly budgets: Budgets,
  ) {
    // costs knows no keys
    this.budgets.alsoOf((id) => this.keys.budgets(id));
  }

  /** @throws AppError INVALID_REQUEST, or CONFLICT for a budget while a model's price is not known */
  async create(dto: CreateKeyDto): Promise<KeyWithSecretDto> {
    const settings = this.changed({ ...DEFAULTS, name: dto.name }, dto);
    const secret = newSecret();
    const id = await this.keys.insert(settings, secret);
    return { ...toDto(await this.keys.get(id)), secret: secret.text };
  }

  /** @throws AppError INVALID_REQUEST for a cursor that is none of ours */
  async list({ limit, cursor, include_revoked }: ListKeysQuery): Promise<KeyListDto> {
    await this.lastUsed.flush();
    const { page, next } = await this.keys.list(limit, cursor, include_revoked === 'true');
    return { keys: page.map(toDto), next_cursor: next };
  }

  /** @throws AppError NOT_FOUND */
  async get(id: string): Promise<KeyDto> {
    await this.lastUsed.flush();
    return toDto(await this.keys.get(checkId(id)));
  }

  /** @throws AppError NOT_FOUND, INVALID_REQUEST, CONFLICT as `create` */
  async update(id: string, dto: UpdateKeyDto): Promise<KeyDto> {
    await this.keys.update(checkId(id), (settings) => this.changed(settings, dto));
    return this.get(id);
  }

  /** @throws AppError NOT_FOUND */
  async rotate(id: string, graceSeconds: number): Promise<KeyWithSecretDto> {
    const secret = newSecret();
    await this.keys.rotate(checkId(id), secret, graceSeconds);
    return { ...(await this.get(id)), secret: secret.text };
  }

  /** @throws AppError NOT_FOUND */
  async revoke(id: string): Promise<void> {
    await this.keys.revoke(checkId(id));
  }

  private changed(before: KeySettings, dto: UpdateKeyDto): KeySettings {
    const settings = { ...before, ...changesOf(dto) };
    const { scopes, collections, write_collections, labels } = settings;
    if (scopes.includes('admin')) {
      if (collections !== null)
        throw invalidField('collections', 'collections cannot bound a key that may do everything');
      if (write_collections !== null)
        throw invalidField(
          'write_collections',
          'write_collections cannot bound a key that may do everything',
        );
      if (labels.length > 0)
        throw invalidField('labels', 'labels are of no use to a key that sees everything');
    }
    // only then: a key that has a budget already can be changed whatever has become of the prices
    if (dto.daily_usd != null || dto.monthly_usd != null) this.budgets.checkPrices();
    return settings;
  }
}

/** What a request says of the settings; null is the default. */
function changesOf({
  name,
  expires_at,
  daily_usd,
  monthly_usd,
  ...rest
}: UpdateKeyDto): Partial<KeySettings> {
  const plain = Object.entries(rest)
    .filter(([, value]) => value !== undefined)
    .map(([field, value]) => [field, value ?? DEFAULTS[field as keyof typeof DEFAULTS]]);
  return {
    ...(Object.fromEntries(plain) as Partial<KeySettings>),
    ...(name === undefined ? {} : { name }),
    ...(daily_usd === undefined ? {} : { daily_usd: decimalOf(daily_usd) }),
    ...(monthly_usd === undefined ? {} : { monthly_usd: decimalOf(monthly_usd) }),
    ...(expires_at === undefined ? {} : { expires_at: instantOf(expires_at) }),
  };
}

function decimalOf(usd: number | null): string | null {
  return usd === null ? null : usd.toFixed(MONEY_DECIMALS);
}

function instantOf(text: string | null): Date | null {
  if (text === null) return null;
  const date = new Date(instant('expires_at', text) ?? '');
  if (date.getTime() > Date.now()) return date;
  throw invalidField('expires_at', 'expires_at takes a time to come, such as 2030-06-30T00:00:00Z');
}

/** @throws AppError NOT_FOUND for what can be no id */
function checkId(id: string): string {
  if (isUuid(id)) return id;
  throw keyNotFound();
}

function toDto(row: KeyRow): KeyDto {
  return {
    id: row.id,
    name: row.name,
    note: row.note,
    prefix: `fn_${row.prefix}`,
    scopes: row.scopes,
    collections: row.collections,
    write_collections: row.write_collections,
    labels: row.labels,
    rpm: row.rpm,
    tpm: row.tpm,
    concurrency: row.concurrency,
    daily_usd: row.daily_usd === null ? null : Number(row.daily_usd),
    monthly_usd: row.monthly_usd === null ? null : Number(row.monthly_usd),
    expires_at: row.expires_at?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
    last_used_at: row.last_used_at?.toISOString() ?? null,
    revoked_at: row.revoked_at?.toISOString() ?? null,
    previous_secret_expires_at: row.previous_secret_expires_at?.toISOString() ?? null,
  };
}
