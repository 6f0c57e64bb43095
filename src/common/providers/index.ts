export { delayBeforeRetry } from './backoff.js';
export { type Fetch, HttpTransport } from './http-transport.js';
export { ModelError, type ModelErrorKind } from './model-error.js';
export { withRetries } from './retries.js';
export { responseError, toModelError } from './sdk-errors.js';
export { openAiClient } from './openai-client.js';
