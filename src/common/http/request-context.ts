import { randomUUID } from 'node:crypto';
import type { NextFunction, Request, Response } from 'express';
import { Histogram, register } from 'prom-client';

const duration = new Histogram({
  name: 'footnote_http_request_duration_seconds',
  help: 'Time from a request to the end of its response, by route pattern and status.',
  labelNames: ['method', 'route', 'status'],
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120],
  registers: [register],
});
const VALID_REQUEST_ID = /^[\w.:-]{1,128}$/;

/** Gives each request an id (the caller's X-Request-Id or a new one), echoes it, and measures the request. */
export function requestContext(request: Request, response: Response, next: NextFunction): void {
  const given = request.header('x-request-id');
  const requestId = given !== undefined && VALID_REQUEST_ID.test(given) ? given : randomUUID();
  response.locals['requestId'] = requestId;
  // where pino-http looks for it
  Object.assign(request, { id: requestId });
  response.setHeader('X-Request-Id', requestId);
  const started = performance.now();
  response.once('close', () => {
    // the pattern, never the path: ids in paths would make a time series each
    const route = (request.route as { path?: string } | undefined)?.path ?? 'unmatched';
    duration.observe(
      { method: request.method, route, status: response.statusCode },
      (performance.now() - started) / 1000,
    );
  });
  next();
}
