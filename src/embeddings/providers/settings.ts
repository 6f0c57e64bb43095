/** What a provider may need to know of the configuration. */
export interface EmbeddingSettings {
  openaiApiKey: string | undefined;
  openaiBaseUrl: string | undefined;
  maxRetries: number;
  timeoutMs: number;
}
