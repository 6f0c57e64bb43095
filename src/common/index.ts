export * from './errors/index.js';
export * from './text/index.js';
export { CommonModule } from './common.module.js';
export { ClientDisconnectedError, OpenRequests } from './http/open-requests.js';
export { readableBody } from './http/request-body.js';
export { requestContext } from './http/request-context.js';
export { mapLimit } from './concurrency/map-limit.js';
export { ApiProblems, KEY_REQUIRED, KeyRequired, RATE_LIMITED, RateLimited } from './openapi/api-problems.js';
export * from './providers/index.js';
