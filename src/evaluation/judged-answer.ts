/** A finished answer, with all that it is judged by. */
export interface JudgedAnswer {
  question: string;
  answer: string;
  /** What the answer was to rest on, best first. */
  passages: readonly { title: string; text: string }[];
}
