import {
  Body,
  Controller,
  Delete,
  Get,
  Header,
  HttpCode,
  Param,
  Post,
  Query,
  Req,
  Res,
  UploadedFiles,
  UseInterceptors,
} from '@nestjs/common';
import { AnyFilesInterceptor } from '@nestjs/platform-express';
import {
  ApiAcceptedResponse,
  ApiBody,
  ApiConsumes,
  ApiCreatedResponse,
  ApiExtraModels,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
  getSchemaPath,
} from '@nestjs/swagger';
import type { Request, Response } from 'express';
import {
  ApiProblems,
  type Caller,
  CurrentCaller,
  OpenRequests,
  RateLimited,
  RequiresScope,
} from '../common/index.js';
import { DocumentsService } from './documents.service.js';
import {
  AcceptedDocumentsDto,
  CreateDocumentDto,
  DocumentDto,
  DocumentListDto,
  DocumentProgressDto,
  IngestQuery,
  ListDocumentsQuery,
  UploadDto,
} from './dto/document.dto.js';
import { type AcceptedDocument, IntakeService } from './ingestion/intake.service.js';
import { IngestionProgress } from './ingestion/ingestion-progress.js';
import { UploadCleanup } from './ingestion/upload-cleanup.js';
import { writeProgress } from './ingestion/progress-stream.js';
import { acceptedResponse, RequestReader } from './ingestion/request-reader.js';
import { visibilityOf } from './visibility.js';

@ApiTags('documents')
@Controller('documents')
export class DocumentsController {
  constructor(
    private readonly documents: DocumentsService,
    private readonly reader: RequestReader,
    private readonly intake: IntakeService,
    private readonly progress: IngestionProgress,
    private readonly openRequests: OpenRequests,
  ) {}

  @Post()
  @RequiresScope('ingest')
  @RateLimited()
  @UseInterceptors(UploadCleanup, AnyFilesInterceptor())
  @HttpCode(202)
  @ApiOperation({
    operationId: 'createDocuments',
    summary: 'Add or replace documents',
    description:
      'One document as JSON, or one or more files as multipart/form-data: PDF, Word, PowerPoint, Excel, OpenDocument, ' +
      'RTF, EPUB, HTML, Markdown, CSV, JSON, e-mail and plain text. Answers 202 when they are safely stored; they become searchable in the background. With `?wait=true` it answers 201 when they are ' +
      'searchable. The same `external_id`, or the same content, again replaces the document.',
  })
  @ApiConsumes('application/json', 'multipart/form-data')
  @ApiExtraModels(CreateDocumentDto, UploadDto)
  @ApiBody({
    required: true,
    schema: { oneOf: [{ $ref: getSchemaPath(CreateDocumentDto) }, { $ref: getSchemaPath(UploadDto) }] },
  })
  @ApiAcceptedResponse({ type: AcceptedDocumentsDto, description: 'Stored; being made searchable.' })
  @ApiCreatedResponse({ type: AcceptedDocumentsDto, description: 'Searchable (`?wait=true`).' })
  @ApiProblems(
    'INVALID_REQUEST',
    'CONFLICT',
    'TOO_LARGE',
    'UNSUPPORTED_MEDIA_TYPE',
    'UNREADABLE_DOCUMENT',
    'SERVICE_UNAVAILABLE',
  )
  async create(
    @Query() query: IngestQuery,
    @Req() request: Request,
    @UploadedFiles() files: Express.Multer.File[] | undefined,
    @Body() body: unknown,
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) response: Response,
  ): Promise<AcceptedDocumentsDto> {
    const signal = this.openRequests.track(response);
    const isMultipart = request.is('multipart/form-data') !== false;
    const accepted = await this.accept(body, isMultipart ? (files ?? []) : undefined, caller, signal);
    if (query.wait !== 'true') return acceptedResponse(accepted, undefined);
    const outcomes = await this.progress.outcomes(
      accepted.map(({ id }) => id),
      signal,
    );
    response.status(201);
    return acceptedResponse(accepted, outcomes);
  }

  private async accept(
    body: unknown,
    files: readonly Express.Multer.File[] | undefined,
    caller: Caller,
    signal: AbortSignal,
  ): Promise<AcceptedDocument[]> {
    const { documents, collection } = await this.reader.read(body, files, caller, signal);
    return this.intake.accept(documents, collection, caller.id);
  }

  @Get()
  @RequiresScope('ask', 'search', 'ingest')
  @ApiOperation({ operationId: 'listDocuments', summary: 'Documents, newest first' })
  @ApiOkResponse({ type: DocumentListDto })
  @ApiProblems('INVALID_REQUEST')
  list(@Query() query: ListDocumentsQuery, @CurrentCaller() caller: Caller): Promise<DocumentListDto> {
    return this.documents.list(query, visibilityOf(caller));
  }

  @Get(':id')
  @RequiresScope('ask', 'search', 'ingest')
  @ApiOperation({ operationId: 'getDocument', summary: 'One document' })
  @ApiOkResponse({ type: DocumentDto })
  @ApiProblems('NOT_FOUND')
  get(@Param('id') id: string, @CurrentCaller() caller: Caller): Promise<DocumentDto> {
    return this.documents.get(id, visibilityOf(caller));
  }

  @Get(':id/events')
  @RequiresScope('ask', 'search', 'ingest')
  @ApiOperation({
    operationId: 'followDocument',
    summary: 'How far a document is, as it gets on',
    description:
      'Server-sent events named `progress`, one at once and one at each change; the last one has the status `ready` or ' +
      '`failed`.',
  })
  @ApiOkResponse({
    content: {
      'text/event-stream': {
        schema: { $ref: getSchemaPath(DocumentProgressDto) },
        example:
          'id: 1\nevent: progress\ndata: {"id":"9f4c1c5e-4f0e-4f0e-9d2b-7a5f0c1d2e3f","status":"processing",' +
          '"progress":0.4,"chunks":0,"error":null}\n\n',
      },
    },
  })
  @ApiExtraModels(DocumentProgressDto)
  @ApiProblems('NOT_FOUND')
  async events(
    @Param('id') id: string,
    @CurrentCaller() caller: Caller,
    @Res() response: Response,
  ): Promise<void> {
    const signal = this.openRequests.track(response);
    const document = await this.documents.get(id, visibilityOf(caller));
    await writeProgress(this.progress.follow([document.id], signal), response, signal);
  }

  @Get(':id/content')
  @RequiresScope('ask', 'search')
  @Header('Content-Type', 'text/plain; charset=utf-8')
  @ApiOperation({
    operationId: 'getDocumentContent',
    summary: 'The normalised text of a document',
    description: 'What `start`, `end`, `source_start` and `source_end` index, in UTF-16 code units.',
  })
  @ApiOkResponse({
    content: { 'text/plain': { schema: { type: 'string' }, example: 'API keys are rotated every 90 days.' } },
  })
  @ApiProblems('NOT_FOUND')
  content(@Param('id') id: string, @CurrentCaller() caller: Caller): Promise<string> {
    return this.documents.content(id, visibilityOf(caller));
  }

  @Delete(':id')
  @RequiresScope('ingest')
  @HttpCode(204)
  @ApiOperation({ operationId: 'deleteDocument', summary: 'Delete a document' })
  @ApiNoContentResponse({ description: 'It is gone, from searches too.' })
  @ApiProblems('NOT_FOUND')
  delete(@Param('id') id: string, @CurrentCaller() caller: Caller): Promise<void> {
    return this.documents.delete(id, caller);
  }
}
