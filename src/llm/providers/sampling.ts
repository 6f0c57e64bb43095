import type Anthropic from '@anthropic-ai/sdk';
import type OpenAI from 'openai';

/**
 * The last version of Anthropic's API with sampling parameters: 2026-10-21, which the SDK sends, refuses them for every
 * model.
 */
export const SAMPLING_API_VERSION = '2023-06-01';

/** First Claude version that answers 400 to `temperature`, `top_p` and `top_k`. */
const FIRST_WITHOUT_SAMPLING = 4.7;

/**
 * True when a Claude model still takes a `temperature`, under the API version {@link SAMPLING_API_VERSION}. From 4.7 on
 * (Opus 4.7, Sonnet 5, Haiku 5.5, …) the API refuses sampling parameters with a 400, so an unknown name counts as a new one: a temperature left out costs little,
 * a refused call costs the answer.
 *
 * @param model a name as the API takes it, also with a cloud's prefix or a date: `claude-sonnet-4-5-20250929`
 */
export function acceptsTemperature(model: string): boolean {
  const version = claudeVersion(model);
  return version !== undefined && version < FIRST_WITHOUT_SAMPLING;
}

type ThinkingSettings = Pick<Anthropic.MessageCreateParams, 'thinking' | 'output_config'>;

/**
 * Keeps a Claude model from thinking before it answers, as far as the model lets one. From version 5 on the models think
 * unless told not to, and thinking counts towards `max_tokens`: an answer of a few hundred tokens could come out empty.
 * The setting that a model takes differs (platform.claude.com, "Configuring thinking"); one that cannot stop thinking is
 * asked to make little of it.
 */
export function withoutThinking(model: string): ThinkingSettings {
  const version = claudeVersion(model) ?? 0;
  if (version < 5) return {};
  if (/(?:opus|sonnet)-5(?![-.]\d{1,2}(?!\d))|haiku-5[-.]5/.test(model))
    return { thinking: { type: 'disabled' } };
  if (/sonnet-5[-.]5/.test(model)) return { thinking: { type: 'between_tools' } };
  return { output_config: { effort: 'low' } };
}

/** `claude-3-5-sonnet-…` → 3.5, `claude-opus-4-1-…` → 4.1, `claude-2.1` → 2.1. A date has more digits than a version. */
function claudeVersion(model: string): number | undefined {
  const match = /claude-(?:[a-z]+-)?(\d{1,2})(?!\d)(?:[-.](\d{1,2})(?!\d))?/.exec(model.toLowerCase());
  if (match === null) return undefined;
  // a minor of two digits sorts after all of one digit: 4.10 is newer than 4.7
  const [, major, minor = '0'] = match;
  return Number(major) + (minor.length > 1 ? 0.99 : Number(minor) / 10);
}

/**
 * True for OpenAI's reasoning models (gpt-5 and later, the o-series): they refuse `max_tokens` and any `temperature`
 * other than 1. The open-weight `gpt-oss` models are served by others, who take both.
 */
export function isOpenAiReasoningModel(model: string): boolean {
  const name = bareName(model);
  return /^(?:gpt-(?:[5-9]|\d{2,})(?!\d)|o\d)/.test(name);
}

/**
 * The least effort that an OpenAI model is known to take, for the reason given at {@link withoutThinking}. Undefined for
 * models that do not reason, and for those whose values are not known: the wrong one is a 400.
 */
export function leastReasoningEffort(model: string): OpenAI.ReasoningEffort | undefined {
  const name = bareName(model);
  if (/^gpt-5(?:-mini|-nano)?(?:-\d{4}-\d\d-\d\d)?$/.test(name)) return 'minimal';
  if (/^gpt-5\.\d+(?:-mini|-nano)?(?:-\d{4}-\d\d-\d\d)?$/.test(name)) return 'none';
  return /^o(?:1|3|3-mini|4-mini)(?:-\d{4}-\d\d-\d\d)?$/.test(name) ? 'low' : undefined;
}

/** Without a router's vendor prefix (`openai/gpt-5`) or the mark of a fine-tuned model. */
function bareName(model: string): string {
  return model.toLowerCase().replace(/^(?:.*\/|ft:)/, '');
}
