import { Foundation1763800000000 } from './1763800000000-foundation.js';
import { Money1764000000000 } from './1764000000000-money.js';
import { Knowledge1764100000000 } from './1764100000000-knowledge.js';
import { ParallelIngestion1764200000000 } from './1764200000000-parallel-ingestion.js';
import { LargeCollections1764300000000 } from './1764300000000-large-collections.js';
import { QueryUnderstanding1764320000000 } from './1764320000000-query-understanding.js';
import { JobSchema1764330000000 } from './1764330000000-job-schema.js';
import { Reranking1764350000000 } from './1764350000000-reranking.js';
import { Languages1764360000000 } from './1764360000000-languages.js';
import { Access1764600000000 } from './1764600000000-access.js';

/** All migrations, oldest first. A shipped migration never changes. */
export const MIGRATIONS = [
  Foundation1763800000000,
  Money1764000000000,
  Knowledge1764100000000,
  ParallelIngestion1764200000000,
  LargeCollections1764300000000,
  QueryUnderstanding1764320000000,
  JobSchema1764330000000,
  Reranking1764350000000,
  Languages1764360000000,
  Access1764600000000,
];
