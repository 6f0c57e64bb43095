/** How the vectors of a text's tokens become the text's. */
export type Pooling = 'mean' | 'cls' | 'last';

/** What the model was trained to see before a text. */
export interface Prefixes {
  query: string;
  document: string;
}

/** What the texts of a family of models begin with, and how it pools, for models whose files do not say so. */
interface ModelFamily {
  /** Tested against the model's id or folder, in lower case. */
  pattern: RegExp;
  prefixes: Prefixes;
  pooling: Pooling;
  /** The lower end of its cosines, as published: below it lie only texts that have nothing to do with each other. */
  minSimilarity: number;
}

const NONE: Prefixes = { query: '', document: '' };
const SEARCH_INSTRUCTION: Prefixes = {
  query: 'Represent this sentence for searching relevant passages: ',
  document: '',
};
/** Cosine that most models give to texts of different subjects. */
const USUAL_MIN_SIMILARITY = 0.2;

/** The first that fits. Each from the model card at https://huggingface.co/<source>. */
const FAMILIES: readonly ModelFamily[] = [
  // intfloat/multilingual-e5-large-instruct
  {
    pattern: /e5-.*instruct/,
    prefixes: {
      query: 'Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery: ',
      document: '',
    },
    pooling: 'mean',
    minSimilarity: 0.7,
  },
  // intfloat/e5-small-v2: "cosine similarity scores distribute around 0.7 to 1.0"
  {
    pattern: /\be5-(small|base|large)/,
    prefixes: { query: 'query: ', document: 'passage: ' },
    pooling: 'mean',
    minSimilarity: 0.7,
  },
  // BAAI/bge-m3
  { pattern: /\bbge-m3/, prefixes: NONE, pooling: 'cls', minSimilarity: 0.3 },
  // BAAI/bge-small-zh-v1.5
  {
    pattern: /\bbge-.*-zh/,
    prefixes: { query: '为这个句子生成表示以用于检索相关文章：', document: '' },
    pooling: 'cls',
    minSimilarity: 0.3,
  },
  // BAAI/bge-small-en-v1.5: scores above 0.6 in the first version, spread wider in v1.5
  { pattern: /\bbge-.*-v1\.5/, prefixes: SEARCH_INSTRUCTION, pooling: 'cls', minSimilarity: 0.3 },
  { pattern: /\bbge-/, prefixes: SEARCH_INSTRUCTION, pooling: 'cls', minSimilarity: 0.6 },
  // Snowflake/snowflake-arctic-embed-m-v2.0, Snowflake/snowflake-arctic-embed-s
  {
    pattern: /arctic-embed-.*v2/,
    prefixes: { query: 'query: ', document: '' },
    pooling: 'cls',
    minSimilarity: USUAL_MIN_SIMILARITY,
  },
  {
    pattern: /arctic-embed/,
    prefixes: SEARCH_INSTRUCTION,
    pooling: 'cls',
    minSimilarity: USUAL_MIN_SIMILARITY,
  },
  // mixedbread-ai/mxbai-embed-large-v1
  {
    pattern: /mxbai-embed/,
    prefixes: SEARCH_INSTRUCTION,
    pooling: 'cls',
    minSimilarity: USUAL_MIN_SIMILARITY,
  },
  // nomic-ai/nomic-embed-text-v1.5
  {
    pattern: /nomic-embed-text/,
    prefixes: { query: 'search_query: ', document: 'search_document: ' },
    pooling: 'mean',
    minSimilarity: USUAL_MIN_SIMILARITY,
  },
  // Alibaba-NLP/gte-base-en-v1.5, Alibaba-NLP/gte-modernbert-base; the older thenlper/gte-base pools by mean
  {
    pattern: /\bgte-(.*-v1\.5|modernbert|multilingual)/,
    prefixes: NONE,
    pooling: 'cls',
    minSimilarity: USUAL_MIN_SIMILARITY,
  },
];

/** Mean pooling and no prefixes, as in most models of sentence-transformers: its default too. */
const USUAL: Omit<ModelFamily, 'pattern'> = {
  prefixes: NONE,
  pooling: 'mean',
  minSimilarity: USUAL_MIN_SIMILARITY,
};

/** @param name the id or the folder of a model, such as `Xenova/bge-small-en-v1.5` */
export function familyOf(name: string): Omit<ModelFamily, 'pattern'> {
  return FAMILIES.find(({ pattern }) => pattern.test(name.toLowerCase())) ?? USUAL;
}
