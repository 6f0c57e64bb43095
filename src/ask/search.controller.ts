import { randomUUID } from 'node:crypto';
import { Body, Controller, HttpCode, Post, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import {
  ApiProblems,
  type Caller,
  CurrentCaller,
  OpenRequests,
  RateLimited,
  RequiresScope,
} from '../common/index.js';
import { billEmbedding, billReranking, Tabs } from '../costs/index.js';
import { SearchService } from '../retrieval/index.js';
import { SearchRequestDto, SearchResponseDto } from './dto/search.dto.js';
import { searchOptions } from './dto/search-options.dto.js';
import { toHitDto } from './dto/source.dto.js';
import { serverTiming, toSearchTimingsDto } from './dto/timings.dto.js';

@ApiTags('ask')
@Controller('search')
@RequiresScope('search')
@RateLimited()
export class SearchController {
  constructor(
    private readonly searches: SearchService,
    private readonly tabs: Tabs,
    private readonly openRequests: OpenRequests,
  ) {}

  @Post()
  @HttpCode(200)
  @ApiOperation({
    operationId: 'search',
    summary: 'Search without an answer',
    description: 'Queries are embedded in one call; queries and collections are searched concurrently.',
  })
  @ApiOkResponse({ type: SearchResponseDto })
  @ApiProblems(
    'INVALID_REQUEST',
    'NOT_FOUND',
    'CONFLICT',
    'BUDGET_EXCEEDED',
    'PROVIDER_ERROR',
    'PROVIDER_UNAVAILABLE',
    'PROVIDER_TIMEOUT',
  )
  async search(
    @Body() body: SearchRequestDto,
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) response: Response,
  ): Promise<SearchResponseDto> {
    const signal = this.openRequests.track(response);
    const tab = this.tabs.openTab(randomUUID(), true, caller);
    try {
      const options = searchOptions(body, caller);
      const { hits, embeddingTokens, timings } = await this.searches.search(
        { ...options, minSimilarity: options.minSimilarity ?? 0, queries: body.queries },
        signal,
        { embedding: billEmbedding(tab, 'query_embedding'), reranking: billReranking(tab) },
      );
      response.setHeader('Server-Timing', serverTiming(timings));
      return {
        results: body.queries.map((query, index) => ({
          query,
          hits: (hits[index] ?? []).map((hit) => ({ ...toHitDto(hit), content: hit.content })),
        })),
        timings: toSearchTimingsDto(timings),
        usage: { embedding_tokens: embeddingTokens },
      };
    } finally {
      await tab.settle();
    }
  }
}
