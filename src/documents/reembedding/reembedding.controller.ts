import { Body, Controller, Delete, HttpCode, Param, Post } from '@nestjs/common';
import { ApiAcceptedResponse, ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems, type Caller, CurrentCaller, RequiresScope } from '../../common/index.js';
import { CollectionsService } from '../collections.service.js';
import { CollectionDto } from '../dto/collection.dto.js';
import { visibilityOf } from '../visibility.js';
import { StartReembeddingDto } from './reembedding.dto.js';
import { ReembeddingService } from './reembedding.service.js';

@ApiTags('documents')
@Controller('collections/:name/embedding')
@RequiresScope('admin')
export class ReembeddingController {
  constructor(
    private readonly reembedding: ReembeddingService,
    private readonly collections: CollectionsService,
  ) {}

  @Post()
  @HttpCode(202)
  @ApiOperation({
    operationId: 'startReembedding',
    summary: 'Embed a collection with another model',
    description:
      'Goes on in the background, while searches use the old model; when every passage is embedded, the collection ' +
      'is switched to the new one at once. One of the same model that was stopped or has failed goes on where it ' +
      'was; a partial one of another model is dropped. `GET /collections/:name` shows how far it is.',
  })
  @ApiAcceptedResponse({
    type: CollectionDto,
    description:
      'Begun; `reembedding` is null when there was nothing to embed, and the model is changed already.',
  })
  @ApiProblems('INVALID_REQUEST', 'NOT_FOUND', 'CONFLICT')
  async start(
    @Param('name') name: string,
    @Body() body: StartReembeddingDto,
    @CurrentCaller() caller: Caller,
  ): Promise<CollectionDto> {
    await this.reembedding.start(name, body.model);
    return this.collections.get(name, visibilityOf(caller));
  }

  @Delete()
  @HttpCode(204)
  @ApiOperation({
    operationId: 'stopReembedding',
    summary: 'Stop embedding a collection with another model',
    description: 'What has been embedded is kept, for when it is started again with the same model.',
  })
  @ApiNoContentResponse({ description: 'It does not go on; searches use the old model as before.' })
  @ApiProblems('NOT_FOUND')
  stop(@Param('name') name: string): Promise<void> {
    return this.reembedding.stop(name);
  }
}
