/** What a model's process is asked to compute. */
export type ModelTask =
  { texts: readonly string[] } | { pairs: readonly (readonly [query: string, passage: string])[] };

/** What it answers: first, once it has loaded its model, that it is ready, then a reply to each task, in order. */
export type ModelReply =
  | { isReady: true }
  | { vectors: readonly Float32Array[] }
  | { scores: Float32Array }
  /** Why the model could not be loaded or run. */
  | { failure: string };
