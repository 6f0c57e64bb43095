import OpenAI from 'openai';
import type { Fetch } from './http-transport.js';

interface OpenAiClientOptions {
  apiKey: string;
  baseURL: string;
  /** Milliseconds; the last resort behind the caller's own timeouts. */
  timeout: number;
  fetch: Fetch;
}

/** The OpenAI SDK as this service uses it: retries are ours, and the environment is read in one place only. */
export function openAiClient(options: OpenAiClientOptions): OpenAI {
  return new OpenAI({
    ...options,
    // null: else the SDK reads these from the environment
    adminAPIKey: null,
    webhookSecret: null,
    organization: null,
    project: null,
    maxRetries: 0,
    // the SDK logs what it cannot parse, and that is the caller's
    logLevel: 'off',
  });
}
