/** What the stand-in provider is told. */
export interface ProviderSettings {
  /** The pieces of its one answer. */
  tokens: string[];
  /** Milliseconds before each piece; 0: as fast as possible. */
  delayMs: number;
}

/** What the bare server is told. */
export interface FloorSettings {
  /** Footnote's build, whose embedding and search it uses. */
  dist: string;
  /** A server, or the socket folder of the embedded database. */
  database: { url: string } | { socketFolder: string };
  providerUrl: string;
}
