import { readFileSync } from 'node:fs';
import type { EnvReader } from './env-reader.js';

/**
 * Price of a model that the price list does not know, in US dollars per million tokens; of one that ranks passages,
 * perhaps per thousand searches instead.
 */
export interface ModelPrice {
  input_mtok?: number;
  output_mtok?: number;
  cache_read_mtok?: number;
  cache_write_mtok?: number;
  searches_kcount?: number;
}

const RANKING_SERVICE = /^(cohere|jina|tei)\//;

/** `MODEL_PRICES`: a JSON object, or the path of a file that holds one, from `provider/model` to its price. */
export function readPrices(read: EnvReader): Record<string, ModelPrice> {
  const value = read.string('MODEL_PRICES');
  if (value === undefined) return {};
  const takes =
    'JSON such as {"openai/my-model": {"input_mtok": 0.5, "output_mtok": 1.5}, "cohere/my-reranker": {"searches_kcount": 2}}, ' +
    'or the path of such a file';
  try {
    const parsed: unknown = JSON.parse(value.startsWith('{') ? value : readFileSync(value, 'utf8'));
    if (isPriceTable(parsed)) return parsed;
  } catch {
    // reported below with the other problems
  }
  read.fail('MODEL_PRICES', value, takes);
  return {};
}

function isPriceTable(value: unknown): value is Record<string, ModelPrice> {
  const known = new Set([
    'input_mtok',
    'output_mtok',
    'cache_read_mtok',
    'cache_write_mtok',
    'searches_kcount',
  ]);
  const isPrice = ([model, price]: [string, unknown]): boolean =>
    typeof price === 'object' &&
    price !== null &&
    isComplete(model, price) &&
    Object.entries(price).every(
      ([key, usd]) => known.has(key) && typeof usd === 'number' && usd >= 0 && Number.isFinite(usd),
    );
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.entries(value).every(isPrice)
  );
}

/** What answers has a price for each way; what ranks, for what it reads or for each search. */
function isComplete(model: string, price: object): boolean {
  return RANKING_SERVICE.test(model)
    ? 'input_mtok' in price || 'searches_kcount' in price
    : 'input_mtok' in price && 'output_mtok' in price && !('searches_kcount' in price);
}
