/** Largest value that a store keeps, bytes of UTF-8. */
export const MAX_RESPONSE_BYTES = 1024 * 1024;

/** Where answers are kept for a while. What was set may be gone at any time. */
export abstract class ResponseStore {
  /** The value of a key, undefined when there is none. Never rejects. */
  abstract get(key: string): Promise<string | undefined>;
  /** Keeps a value for as long as the configuration says, unless it is too large. Never rejects. */
  abstract set(key: string, value: string): Promise<void>;
}
