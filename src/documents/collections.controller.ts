import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { ApiProblems, type Caller, CurrentCaller, RequiresScope } from '../common/index.js';
import { CollectionsService } from './collections.service.js';
import { CollectionDto, CollectionListDto, CreateCollectionDto } from './dto/collection.dto.js';
import { visibilityOf } from './visibility.js';

@ApiTags('documents')
@Controller('collections')
export class CollectionsController {
  constructor(private readonly collections: CollectionsService) {}

  @Get()
  @RequiresScope('ask', 'search', 'ingest')
  @ApiOperation({ operationId: 'listCollections', summary: 'The collections that you may see' })
  @ApiOkResponse({ type: CollectionListDto })
  @ApiProblems()
  async list(@CurrentCaller() caller: Caller): Promise<CollectionListDto> {
    return { collections: await this.collections.list(visibilityOf(caller)) };
  }

  @Post()
  @RequiresScope('ingest')
  @ApiOperation({ operationId: 'createCollection', summary: 'Make a collection' })
  @ApiCreatedResponse({ type: CollectionDto })
  @ApiProblems('INVALID_REQUEST', 'CONFLICT')
  create(@Body() body: CreateCollectionDto, @CurrentCaller() caller: Caller): Promise<CollectionDto> {
    return this.collections.create(body, caller);
  }

  @Get(':name')
  @RequiresScope('ask', 'search', 'ingest')
  @ApiOperation({ operationId: 'getCollection', summary: 'One collection' })
  @ApiOkResponse({ type: CollectionDto })
  @ApiProblems('NOT_FOUND')
  get(@Param('name') name: string, @CurrentCaller() caller: Caller): Promise<CollectionDto> {
    return this.collections.get(name, visibilityOf(caller));
  }

  @Delete(':name')
  @RequiresScope('ingest')
  @HttpCode(204)
  @ApiOperation({ operationId: 'deleteCollection', summary: 'Delete a collection with all its documents' })
  @ApiNoContentResponse({ description: 'It is gone.' })
  @ApiProblems('NOT_FOUND')
  delete(@Param('name') name: string, @CurrentCaller() caller: Caller): Promise<void> {
    return this.collections.delete(name, caller);
  }
}
