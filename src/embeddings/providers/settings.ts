/** What a provider may need to know of the configuration. */
export interface EmbeddingSettings {
  openaiApiKey: string | undefined;
  openaiBaseUrl: string | undefined;
  maxRetries: number;
  /** The whole embedding of a batch, with its retries, in ms. */
  timeoutMs: number;
  /** One call to the server, which answers with all or nothing. */
  firstTokenTimeoutMs: number;
  /** Where models that were downloaded are. */
  modelsDir: string;
  /** Calls in flight, and callers that may wait for a place among them. */
  maxConcurrency: number;
  maxQueue: number;
}
