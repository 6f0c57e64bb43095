import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { ApiProblems, KeyRequired } from '../common/index.js';
import { CollectionsService } from './collections.service.js';
import { CollectionDto, CollectionListDto, CreateCollectionDto } from './dto/collection.dto.js';

@ApiTags('documents')
@Controller('collections')
@KeyRequired()
export class CollectionsController {
  constructor(private readonly collections: CollectionsService) {}

  @Get()
  @ApiOperation({ operationId: 'listCollections', summary: 'All collections' })
  @ApiOkResponse({ type: CollectionListDto })
  @ApiProblems()
  async list(): Promise<CollectionListDto> {
    return { collections: await this.collections.list() };
  }

  @Post()
  @ApiOperation({ operationId: 'createCollection', summary: 'Make a collection' })
  @ApiCreatedResponse({ type: CollectionDto })
  @ApiProblems('INVALID_REQUEST', 'CONFLICT')
  create(@Body() body: CreateCollectionDto): Promise<CollectionDto> {
    return this.collections.create(body);
  }

  @Get(':name')
  @ApiOperation({ operationId: 'getCollection', summary: 'One collection' })
  @ApiOkResponse({ type: CollectionDto })
  @ApiProblems('NOT_FOUND')
  get(@Param('name') name: string): Promise<CollectionDto> {
    return this.collections.get(name);
  }

  @Delete(':name')
  @HttpCode(204)
  @ApiOperation({ operationId: 'deleteCollection', summary: 'Delete a collection with all its documents' })
  @ApiNoContentResponse({ description: 'It is gone.' })
  @ApiProblems('NOT_FOUND')
  delete(@Param('name') name: string): Promise<void> {
    return this.collections.delete(name);
  }
}
