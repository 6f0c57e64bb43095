import { Logger, Module } from '@nestjs/common';
import { Database } from '../database/index.js';
import { EmbeddingsModule } from '../embeddings/index.js';
import { RerankingModule } from '../reranking/index.js';
import { DenseIndex } from './dense-index.js';
import { HitReader } from './hit-reader.js';
import { KeywordIndex } from './keyword-index.js';
import { PassageOrder } from './passage-order.js';
import { PostingsKeywordIndex } from './postings-keyword-index.js';
import { SearchService } from './search.service.js';
import { TextsearchAndPostingsKeywordIndex } from './textsearch-and-postings-keyword-index.js';
import { TextsearchKeywordIndex } from './textsearch-keyword-index.js';

/** Hybrid search. The keyword engine is the one that the migrations found the database able to run. */
@Module({
  imports: [EmbeddingsModule, RerankingModule],
  providers: [
    SearchService,
    DenseIndex,
    HitReader,
    PassageOrder,
    {
      provide: KeywordIndex,
      inject: [Database],
      useFactory: async (database: Database): Promise<KeywordIndex> => {
        const found = await database.query("SELECT FROM pg_indexes WHERE indexname = 'chunks_bm25_idx'");
        const postings = new PostingsKeywordIndex(database);
        const index =
          found.length > 0
            ? new TextsearchAndPostingsKeywordIndex(new TextsearchKeywordIndex(database), postings)
            : postings;
        new Logger('Retrieval').log(`Keyword engine: ${index.engine}`);
        return index;
      },
    },
  ],
  exports: [SearchService, KeywordIndex],
})
export class RetrievalModule {}
