import type { NestExpressApplication } from '@nestjs/platform-express';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { ERROR_CATALOGUE } from './common/index.js';

const DESCRIPTION = `Answers questions from your own documents, with sources, verified citations, cost and latency.

**Errors** are \`application/problem+json\` (RFC 9457) with a \`code\` of this closed list:

| status | code | meaning |
|---|---|---|
${Object.entries(ERROR_CATALOGUE)
  .map(([code, { status, title }]) => `| ${status} | \`${code}\` | ${title} |`)
  .join('\n')}

Every response carries \`X-Request-Id\`; send your own to find a request in the logs.`;

/** The OpenAPI description of the whole API. */
export function openApiDocument(app: NestExpressApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle('Footnote')
    .setDescription(DESCRIPTION)
    .setVersion('1')
    .setLicense('Proprietary', 'https://example.com/license')
    .addServer('/')
    .addTag('ask', 'Questions and searches')
    .addTag('answers', 'What was asked and answered')
    .addTag('documents', 'What the answers are made of')
    .addTag('access', 'Keys')
    .addTag('operations', 'Costs and health')
    .addBearerAuth(
      { type: 'http', scheme: 'bearer', description: 'Needed where `ADMIN_API_KEY` is set.' },
      'bearer',
    )
    .addApiKey({ type: 'apiKey', in: 'header', name: 'X-API-Key' }, 'api-key')
    .build();
  return SwaggerModule.createDocument(app, config);
}

/** Swagger UI at `/docs`, the description at `/openapi.json`. */
export function setUpDocs(app: NestExpressApplication): void {
  // made when first asked for: most processes never are, and it costs start-up time
  let document: OpenAPIObject | undefined;
  SwaggerModule.setup('docs', app, () => (document ??= openApiDocument(app)), {
    jsonDocumentUrl: 'openapi.json',
    yamlDocumentUrl: 'openapi.yaml',
    customSiteTitle: 'Footnote API',
    swaggerOptions: { persistAuthorization: true, displayRequestDuration: true, tryItOutEnabled: true },
  });
}
