import { splitSentences, terms } from '../common/index.js';

/** Share of a claim's terms that a window must have to support it. */
export const SUPPORTED_SHARE = 0.8;

/** The sources, seen through windows: each sentence with its two neighbours and the title of its passage. */
export class SourceWindows {
  readonly #windows: ReadonlySet<string>[] = [];
  /** Indexes of the windows by term: a claim is compared only with those that share a term with it. */
  readonly #byTerm = new Map<string, number[]>();

  constructor(passages: readonly { title: string; text: string }[]) {
    for (const { title, text } of passages) {
      const titleTerms = terms(title);
      const sentences = splitSentences(text).map(({ start, end }) => terms(text.slice(start, end)));
      for (const index of sentences.keys()) {
        const near = sentences.slice(Math.max(0, index - 1), index + 2).flat();
        this.#add(new Set([...titleTerms, ...near]));
      }
    }
  }

  /**
   * The terms of the window that supports a claim best: it has at least {@link SUPPORTED_SHARE} of the claim's terms,
   * and all of those with a digit, because a wrong figure makes a wrong claim. Undefined when no window does.
   */
  support(claim: ReadonlySet<string>): ReadonlySet<string> | undefined {
    const shared = new Map<number, number>();
    for (const term of claim)
      for (const window of this.#byTerm.get(term) ?? []) shared.set(window, (shared.get(window) ?? 0) + 1);
    const figures = [...claim].filter((term) => /\p{N}/u.test(term));
    let best: ReadonlySet<string> | undefined;
    let most = 0;
    for (const [index, count] of shared) {
      if (count <= most || count < SUPPORTED_SHARE * claim.size) continue;
      const window = this.#windows[index];
      if (window === undefined || !figures.every((figure) => window.has(figure))) continue;
      best = window;
      most = count;
    }
    return best;
  }

  #add(window: ReadonlySet<string>): void {
    const index = this.#windows.push(window) - 1;
    for (const term of window) {
      const known = this.#byTerm.get(term);
      if (known === undefined) this.#byTerm.set(term, [index]);
      else known.push(index);
    }
  }
}
