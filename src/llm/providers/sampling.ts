/** First Claude version that answers 400 to `temperature`, `top_p` and `top_k`. */
const FIRST_WITHOUT_SAMPLING = 4.7;

/**
 * True when a Claude model still takes a `temperature`. From version 4.7 on (Opus 4.7, Sonnet 5, Haiku 5.5, …) the API
 * refuses sampling parameters with a 400, so an unknown name counts as a new one: a temperature left out costs little,
 * a refused call costs the answer.
 *
 * @param model a name as the API takes it, also with a cloud's prefix or a date: `claude-sonnet-4-5-20250929`
 */
export function acceptsTemperature(model: string): boolean {
  const version = claudeVersion(model);
  return version !== undefined && version < FIRST_WITHOUT_SAMPLING;
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
  const name = model.toLowerCase().replace(/^(?:.*\/|ft:)/, '');
  return /^(?:gpt-(?:[5-9]|\d{2,})(?!\d)|o\d)/.test(name);
}
