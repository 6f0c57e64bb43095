/** A passage that may go into the prompt, best first. */
export interface Passage {
  title: string;
  headingPath: readonly string[];
  text: string;
}

export interface Turn {
  role: 'user' | 'assistant';
  content: string;
}

export interface AnswerPromptInput {
  question: string;
  history: readonly Turn[];
  passages: readonly Passage[];
  /** Most tokens that the passages may take together. */
  sourceTokens: number;
  /** Most tokens that the earlier turns may take together. */
  historyTokens: number;
  countTokens: (text: string) => number;
}

/** A prompt, provider-neutral: an adapter renders `sources` natively where it can, and `sourcesText` elsewhere. */
export interface AnswerPrompt {
  version: string;
  /** Never depends on the question: the stable prefix that providers cache. */
  instructions: string;
  /** For models that cite by markers in their text. */
  markerInstructions: string;
  /** The passages that fit, in order. `passage` is the index in the input; `text` is shorter than there when cut. */
  sources: { passage: number; text: string; isCut: boolean }[];
  sourcesText: string;
  history: Turn[];
  questionText: string;
}

export interface CondensePromptInput {
  question: string;
  /** Oldest first. */
  history: readonly Turn[];
  /** Most tokens of the earlier turns together, and of each of them; the latest are taken, longer ones are cut. */
  historyTokens: number;
  turnTokens: number;
  countTokens: (text: string) => number;
}

export interface RephrasePromptInput {
  question: string;
  /** Rephrasings to write. */
  count: number;
}

/** A prompt that has a question rewritten for the search, provider-neutral. */
export interface RewritingPrompt {
  version: string;
  /** Never depends on what is rewritten: the stable prefix that providers cache. */
  instructions: string;
  questionText: string;
}

export interface JudgePromptInput {
  question: string;
  answer: string;
  /** What the answer was to rest on, best first. */
  passages: readonly { title: string; text: string }[];
  /** Most tokens that the passages may take together. */
  sourceTokens: number;
  countTokens: (text: string) => number;
}

/** A prompt that has an answer judged, provider-neutral. The user's turn is `sourcesText` and then `questionText`. */
export interface JudgePrompt {
  version: string;
  /** Never depends on what is judged: the stable prefix that providers cache. */
  instructions: string;
  /** The passages that fit, numbered from 1. */
  sourcesText: string;
  /** The question, the answer and what to do with them. */
  questionText: string;
}

export interface RerankPromptInput {
  question: string;
  /** Best first, as far as the search knows. */
  passages: readonly string[];
  /** Most tokens that the passages may take together. */
  passageTokens: number;
  countTokens: (text: string) => number;
}

/** A prompt that has passages ranked, provider-neutral. The user's turn is `passagesText` and then `questionText`. */
export interface RerankPrompt {
  version: string;
  /** Never depends on what is ranked: the stable prefix that providers cache. */
  instructions: string;
  /** The passages that fit, each by its number from 1. */
  passagesText: string;
  questionText: string;
}
