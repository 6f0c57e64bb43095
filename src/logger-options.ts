import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Params } from 'nestjs-pino';
import type { AppConfig } from './config/index.js';

/** What is logged of a request: never its body, headers or query, which may hold questions and keys. */
export function loggerOptions({ log }: AppConfig): Params {
  return {
    pinoHttp: {
      level: log.level,
      ...(log.format === 'pretty'
        ? { transport: { target: 'pino-pretty', options: { singleLine: true } } }
        : {}),
      serializers: {
        req: ({ id, method, url }: { id: string; method: string; url: string }) => ({
          id,
          method,
          path: url.split('?', 1)[0],
        }),
        res: ({ statusCode }: { statusCode: number }) => ({ status: statusCode }),
        // providers' errors can hold parts of requests
        err: (error: Error & { code?: string }) => ({
          type: error.name,
          code: error.code,
          message: error.message,
          stack: error.stack,
        }),
      },
      customLogLevel: (_request: IncomingMessage, response: ServerResponse, error?: Error) =>
        error !== undefined || response.statusCode >= 500 ? 'error' : 'info',
      customSuccessMessage: () => 'request',
      customErrorMessage: () => 'request failed',
      autoLogging: {
        ignore: ({ url }: IncomingMessage) => url !== undefined && /^\/(health|metrics)\b/.test(url),
      },
    },
  };
}
