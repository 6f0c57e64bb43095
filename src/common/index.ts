export * from './errors/index.js';
export * from './text/index.js';
export { CommonModule } from './common.module.js';
export { ClientDisconnectedError, OpenRequests } from './http/open-requests.js';
export { bodyLimit, readableBody } from './http/request-body.js';
export { SseWriter } from './http/sse-writer.js';
export { requestContext } from './http/request-context.js';
export { Bulkhead, BulkheadFullError } from './concurrency/bulkhead.js';
export { orAborted } from './concurrency/or-aborted.js';
export { mapLimit } from './concurrency/map-limit.js';
export {
  ApiProblems,
  EVERYBODY,
  OpenToEverybody,
  RATE_LIMITED,
  RateLimited,
  REQUIRED_SCOPES,
  RequiresScope,
} from './openapi/api-problems.js';
export * from './http/caller.js';
export { instant } from './http/instant.js';
export { Cursors } from './http/cursors.js';
export { PageQuery, TimeQuery } from './http/queries.js';
export { Batcher } from './concurrency/batcher.js';
export { Groups } from './concurrency/groups.js';
export * from './providers/index.js';
