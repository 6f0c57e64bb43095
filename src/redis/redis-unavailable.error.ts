/** Redis could not be asked, or did not answer in time. Whether a command took effect is not known. */
export class RedisUnavailableError extends Error {
  override readonly name = 'RedisUnavailableError';
}
