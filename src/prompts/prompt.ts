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
