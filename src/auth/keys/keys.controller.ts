import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { ApiProblems, RequiresScope } from '../../common/index.js';
import {
  CreateKeyDto,
  DEFAULT_GRACE_S,
  KeyDto,
  KeyListDto,
  KeyWithSecretDto,
  ListKeysQuery,
  RotateKeyDto,
  UpdateKeyDto,
} from './keys.dto.js';
import { KeysService } from './keys.service.js';

@ApiTags('access')
@Controller('keys')
@RequiresScope('admin')
export class KeysController {
  constructor(private readonly keys: KeysService) {}

  @Post()
  @ApiOperation({
    operationId: 'createKey',
    summary: 'Make a key',
    description:
      'Its secret is in this answer and nowhere else. A new key may ask and search, in every collection.',
  })
  @ApiCreatedResponse({ type: KeyWithSecretDto })
  @ApiProblems('INVALID_REQUEST', 'CONFLICT')
  create(@Body() body: CreateKeyDto): Promise<KeyWithSecretDto> {
    return this.keys.create(body);
  }

  @Get()
  @ApiOperation({ operationId: 'listKeys', summary: 'Keys, newest first' })
  @ApiOkResponse({ type: KeyListDto })
  @ApiProblems('INVALID_REQUEST')
  list(@Query() query: ListKeysQuery): Promise<KeyListDto> {
    return this.keys.list(query);
  }

  @Get(':id')
  @ApiOperation({ operationId: 'getKey', summary: 'One key' })
  @ApiOkResponse({ type: KeyDto })
  @ApiProblems('NOT_FOUND')
  get(@Param('id') id: string): Promise<KeyDto> {
    return this.keys.get(id);
  }

  @Patch(':id')
  @ApiOperation({
    operationId: 'updateKey',
    summary: 'Change a key',
    description:
      'What is absent stays; null sets a field back to its default. Holds from the next request on.',
  })
  @ApiOkResponse({ type: KeyDto })
  @ApiProblems('INVALID_REQUEST', 'NOT_FOUND', 'CONFLICT')
  update(@Param('id') id: string, @Body() body: UpdateKeyDto): Promise<KeyDto> {
    return this.keys.update(id, body);
  }

  @Post(':id/rotate')
  @HttpCode(200)
  @ApiOperation({
    operationId: 'rotateKey',
    summary: 'Give a key a new secret',
    description:
      'The key stays the same: its limits, its budget, its bill. The secret before is taken for the grace period.',
  })
  @ApiOkResponse({ type: KeyWithSecretDto })
  @ApiProblems('INVALID_REQUEST', 'NOT_FOUND')
  rotate(@Param('id') id: string, @Body() { grace_s }: RotateKeyDto): Promise<KeyWithSecretDto> {
    return this.keys.rotate(id, grace_s ?? DEFAULT_GRACE_S);
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({
    operationId: 'revokeKey',
    summary: 'Revoke a key',
    description:
      'It is refused from the next request on, by every replica. What it has cost stays in the bill.',
  })
  @ApiNoContentResponse({ description: 'It is refused.' })
  @ApiProblems('NOT_FOUND')
  revoke(@Param('id') id: string): Promise<void> {
    return this.keys.revoke(id);
  }
}
