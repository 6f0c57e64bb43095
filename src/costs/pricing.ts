import { Injectable } from '@nestjs/common';
import { calcPrice, findProvider, type Provider } from '@pydantic/genai-prices';
import { AppConfig, type ModelPrice } from '../config/index.js';
import { MONEY_DECIMALS, toTrillionths } from './money.js';

/** Tokens of one call. Input tokens exclude the cached ones. */
export interface PricedUsage {
  inputTokens: number;
  outputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
  /** What a reranking provider bills that has a price for each search. */
  searchUnits?: number;
}

/** Run on this machine and cost nothing. */
const FREE_MODELS = /^(extractive$|lexical-hash$|local\/)/;

/** Whether a model runs on this machine: nobody counts its tokens. */
export function isFree(model: string): boolean {
  return FREE_MODELS.test(model);
}

/** What a call may come to before it is made. */
export interface WorstCase {
  /** The models that may be called, one of which answers. */
  models: readonly string[];
  /** Upper bounds. Embedding tokens are input. */
  inputTokens: number;
  outputTokens: number;
  searchUnits?: number;
}

/** What calls cost, by the public price list (`@pydantic/genai-prices`) and `MODEL_PRICES`, which comes first. */
@Injectable()
export class PriceList {
  constructor(private readonly config: AppConfig) {}

  /** Cost in US dollars as a decimal, such as `0.003825000000`; `null` when the model's price is not known. */
  cost(model: string, usage: PricedUsage): string | null {
    return costOf(model, usage, this.config.modelPrices);
  }

  /**
   * The most that one call to one of the models may cost, in trillionths of a dollar: the dearest one's, with the input
   * at the dearest of its rates, since writing to a provider's cache may cost more than plain input.
   * @throws RangeError for a model whose price is not known
   */
  worstCost({ models, inputTokens, outputTokens, searchUnits = 0 }: WorstCase): bigint {
    const plain = { inputTokens, outputTokens, cacheReadTokens: 0, cacheWriteTokens: 0, searchUnits };
    const written = { ...plain, inputTokens: 0, cacheWriteTokens: inputTokens };
    let worst = 0n;
    for (const model of models)
      for (const usage of [plain, written]) {
        const cost = this.cost(model, usage);
        if (cost === null) throw new RangeError(`the price of ${model} is not known`);
        const amount = toTrillionths(cost);
        if (amount > worst) worst = amount;
      }
    return worst;
  }
}

/**
 * The cost of a call: tokens × price, nothing else. Every price is a multiple of 10⁻¹² dollars a token, and the double
 * that the sum is computed in is exact to far below that for any bill of one call, so rounding to 12 decimals gives
 * the exact amount.
 */
export function costOf(
  model: string,
  usage: PricedUsage,
  own: Readonly<Record<string, ModelPrice>> = {},
): string | null {
  if (isFree(model)) return (0).toFixed(MONEY_DECIMALS);
  const price = own[model];
  if (price !== undefined) return ownCost(price, usage).toFixed(MONEY_DECIMALS);
  const slash = model.indexOf('/');
  const provider = providerOf(model.slice(0, slash));
  if (provider === undefined) return null;
  const found = calcPrice(
    {
      // the list counts cached tokens as input tokens too
      input_tokens: usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens,
      cache_read_tokens: usage.cacheReadTokens,
      cache_write_tokens: usage.cacheWriteTokens,
      output_tokens: usage.outputTokens,
    },
    model.slice(slash + 1),
    { provider },
  );
  return found === null ? null : found.total_price.toFixed(MONEY_DECIMALS);
}

const providers = new Map<string, Provider | undefined>();

/** The price list's entry of a provider, which takes longer to find than a price to compute. */
function providerOf(id: string): Provider | undefined {
  if (!providers.has(id)) providers.set(id, findProvider({ providerId: id }));
  return providers.get(id);
}

function ownCost(price: ModelPrice, usage: PricedUsage): number {
  const { input_mtok: input = 0, output_mtok: output = 0 } = price;
  return (
    (usage.inputTokens * input +
      usage.outputTokens * output +
      usage.cacheReadTokens * (price.cache_read_mtok ?? input) +
      usage.cacheWriteTokens * (price.cache_write_mtok ?? input) +
      (usage.searchUnits ?? 0) * (price.searches_kcount ?? 0) * 1000) /
    1_000_000
  );
}
