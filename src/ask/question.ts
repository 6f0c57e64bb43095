import type { Caller } from '../common/index.js';
import type { Turn } from '../prompts/index.js';
import type { SearchRequest } from '../retrieval/index.js';

/** What is asked, dialect-neutral. */
export interface Question {
  /** Who asks: it pays, and finds what it may see. */
  caller: Caller;
  question: string;
  history: readonly Turn[];
  search: Omit<SearchRequest, 'queries'>;
  /** In how many other words it is searched besides; 0: in none. */
  multiQuery: number;
  maxTokens: number;
  temperature: number | undefined;
  /** One of `LLM_MODELS`, the others being its fallbacks; absent: the first. */
  model: string | undefined;
  /** Asked concurrently, in place of `model`; absent: no comparison. */
  models: readonly string[] | undefined;
  /** Whether the answer is judged. */
  evaluate: boolean;
  /** Whether an answer that was given before, or is being given to another, may be given again. */
  cache: boolean;
}
