import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { json } from 'express';
import helmet from 'helmet';
import { Logger } from 'nestjs-pino';
import { AppModule } from './app.module.js';
import { bodyLimit, ProblemFilter, readableBody, requestContext, validationPipe } from './common/index.js';
import type { AppConfig } from './config/index.js';
import { setUpDocs } from './openapi-document.js';

/** Largest JSON body of every route but documents. */
const BODY_LIMIT = '1mb';
/** Beside a document's text, its title, metadata and JSON syntax. */
const DOCUMENT_OVERHEAD_BYTES = 1024 * 1024;
/** A request's headers and body must have come by then; answers may take longer. */
const REQUEST_TIMEOUT_MS = 120_000;

/** The whole application, ready to listen; the same for the service, its tests and its documentation. */
export async function createApp(config: AppConfig): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(AppModule.forRoot(config), {
    bufferLogs: true,
    bodyParser: false,
    abortOnError: false,
    // a start that fails is told by main.ts, in one line where that is enough
    autoFlushLogs: false,
  });
  app.useLogger(app.get(Logger));
  app.flushLogs();
  app.disable('x-powered-by');
  app.set('query parser', 'simple');
  // of anybody else, the header may say what it likes
  app.set('trust proxy', config.http.trustedProxies);
  app.use(requestContext);
  // it may be served without TLS inside a company; where a proxy adds TLS, that proxy redirects
  app.use(helmet({ contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } } }));
  setUpDocs(app);
  if (config.http.corsOrigins.length > 0)
    app.enableCors({
      origin: config.http.corsOrigins,
      exposedHeaders: ['X-Request-Id', 'Server-Timing', 'RateLimit', 'RateLimit-Policy', 'Retry-After'],
      maxAge: 600,
    });
  app.use('/documents', json({ limit: config.http.maxUploadBytes + DOCUMENT_OVERHEAD_BYTES }));
  app.use(json({ limit: BODY_LIMIT }));
  app.use(bodyLimit);
  app.use(readableBody);
  app.useGlobalPipes(validationPipe());
  app.useGlobalFilters(new ProblemFilter());
  app.getHttpServer().requestTimeout = REQUEST_TIMEOUT_MS;
  return app;
}
