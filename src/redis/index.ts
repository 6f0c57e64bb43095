export { type RedisClient, RedisConnection } from './redis-connection.js';
export { RedisUnavailableError } from './redis-unavailable.error.js';
export { RedisModule } from './redis.module.js';
