import { type Span, splitSentences } from '../common/text/index.js';
import { CodeSpanTracker } from './code-spans.js';
import type { ModelCitation } from './language-model.js';
import { leadingMarkLength } from './leading-mark.js';

/** What comes out of the filter, in the order of the answer. */
export type FilteredEvent = { type: 'text'; text: string } | ModelCitation;

const CLOSING: Readonly<Record<string, string>> = { '[': ']', '【': '】' };
/** What may follow a marker and still be part of a group of them: `[1], [2]`. */
const GAP = /^[ \t\u00a0]*(?:[,;][ \t\u00a0]*)?$/;
const NUMBERS = /^\d{1,3}(?:\s*[-–]\s*\d{1,3})?(?:\s*[,;]\s*\d{1,3}(?:\s*[-–]\s*\d{1,3})?)*$/;
const LONGEST_MARKER = 40;

/**
 * Turns the source markers that a model writes into its answer (`[1]`, `[1, 2]`, `[1-3]`, `【1】`) into citations, and
 * takes them out of the text, with the spaces before them: "It is so [1]." becomes "It is so.".
 *
 * Only numbers of existing sources count; a marker that names any other, one inside code, an escaped one and the text
 * of a Markdown link stay as they are. Text is held back only while it may still turn out to be a marker, or the
 * spaces before one. How the answer is cut into deltas changes neither the text nor the citations.
 *
 * A citation spans the sentence that its marker closes: from the marker before, if that one stands in the same
 * sentence, and including a full stop that follows the marker. A marker at the very start cites the first sentence.
 */
export class CitationMarkerFilter {
  readonly #code = new CodeSpanTracker();
  #out: FilteredEvent[] = [];
  #text = '';
  /** The answer since {@link #boundary}: all that a marker's sentence may be found in. */
  #tail = '';
  #length = 0;
  /** Where the text that the last marker closed ends. */
  #boundary = 0;
  #previous = '';
  /** Spaces (or a gap between markers) that are dropped if a marker follows. */
  #held = '';
  /** A marker as far as it has come; closed but unconfirmed until the next character shows that it is no link. */
  #marker = '';
  #closed = false;
  #afterMarker = false;
  /** Spaces dropped before a marker: needed again if a word follows it directly. */
  #dropped = '';
  #pending: ModelCitation[] = [];
  #leading: number[] = [];
  #lastSpan: Span | undefined;

  /** @param sourceCount markers 1..n are citations; their source is n - 1 */
  constructor(private readonly sourceCount: number) {}

  /** Takes the next piece of the model's text and returns what can be passed on. */
  push(delta: string): FilteredEvent[] {
    // by code unit, not code point: a pair of surrogates may itself be split between two deltas
    for (let i = 0; i < delta.length; i++) this.#take(delta.charAt(i));
    return this.#drain();
  }

  /** Ends the text: returns what was held back. */
  flush(): FilteredEvent[] {
    if (this.#closed) this.#confirm();
    this.#release();
    this.#settle('');
    if (this.#leading.length > 0) this.#citeFirstSentence();
    this.#emitPending();
    return this.#drain();
  }

  #take(char: string): void {
    if (this.#closed) {
      if (char === '(') this.#release();
      else this.#confirm();
    }
    if (this.#marker !== '') {
      if (this.#extends(char)) {
        this.#marker += char;
        this.#closed = char === CLOSING[this.#marker.charAt(0)];
        if (!this.#closed || this.#sources() !== undefined) return;
        this.#closed = false;
        this.#release();
        return;
      }
      this.#release();
    }
    if (this.#startsMarker(char)) this.#marker = char;
    else if (this.#mayPrecedeMarker(char)) this.#held += char;
    else this.#release(char);
  }

  #startsMarker(char: string): boolean {
    if (CLOSING[char] === undefined || this.sourceCount === 0 || this.#code.inCode) return false;
    return this.#held !== '' || (this.#previous !== '[' && this.#previous !== '\\');
  }

  #mayPrecedeMarker(char: string): boolean {
    if (this.sourceCount === 0 || this.#code.inCode) return false;
    if (char === ' ' || char === '\t' || char === '\u00a0') return true;
    return this.#afterMarker && (char === ',' || char === ';') && GAP.test(this.#held + char);
  }

  #extends(char: string): boolean {
    if (this.#marker.length >= LONGEST_MARKER) return false;
    if (/\d/.test(char)) return Number(/\d*$/.exec(this.#marker)?.[0] + char) <= this.sourceCount;
    if (this.#marker.length === 1) return false;
    return /[ \u00a0,;–-]/.test(char) || char === CLOSING[this.#marker.charAt(0)];
  }

  /** The source indexes that the closed marker names, or nothing when it is no marker of ours. */
  #sources(): number[] | undefined {
    const inner = this.#marker.slice(1, -1);
    if (!NUMBERS.test(inner)) return undefined;
    const found = new Set<number>();
    for (const part of inner.split(/[,;]/)) {
      const [first = Number.NaN, last = first] = part.split(/[-–]/).map(Number);
      if (!(first >= 1 && first <= last && last <= this.sourceCount)) return undefined;
      for (let number = first; number <= last; number++) found.add(number - 1);
    }
    return [...found];
  }

  /** The closed marker is one: it and the spaces before it vanish, and it becomes citations. */
  #confirm(): void {
    const sources = this.#sources() ?? [];
    if (!this.#afterMarker) this.#dropped = this.#held;
    this.#held = '';
    this.#marker = '';
    this.#closed = false;
    this.#afterMarker = true;
    // before the tail is cut: markers at the start of the answer wait for its first sentence
    if (this.#leading.length > 0 && hasWords(this.#tail)) this.#citeFirstSentence();
    const span = this.#closedSentence();
    if (span === undefined) {
      this.#leading.push(...sources);
      return;
    }
    for (const source of sources) this.#cite(span, source);
  }

  /** The sentence before the marker, as far as the marker before it has left any of it. */
  #closedSentence(): Span | undefined {
    const last = this.#sentences().at(-1);
    if (last === undefined) return this.#lastSpan;
    this.#tail = '';
    this.#boundary = this.#length;
    return (this.#lastSpan = last);
  }

  #citeFirstSentence(): void {
    // no marker has closed a sentence yet, so the tail is the whole answer
    const first = this.#sentences()[0];
    if (first !== undefined) for (const source of this.#leading) this.#cite(first, source);
    this.#leading = [];
  }

  /** Sentences of the tail that say something, as spans of the answer, without list marks and stray punctuation. */
  #sentences(): Span[] {
    const spans: Span[] = [];
    for (const { start, end } of splitSentences(this.#tail)) {
      const text = this.#tail.slice(start, end);
      const skipped = /^[\s.,;:!?…。，)]*/.exec(text)?.[0].length ?? 0;
      const from = start + skipped + leadingMarkLength(text.slice(skipped));
      if (hasWords(this.#tail.slice(from, end)))
        spans.push({ start: this.#boundary + from, end: this.#boundary + end });
    }
    return spans;
  }

  #cite(span: Span, source: number): void {
    const same = this.#pending.some((other) => other.source === source && other.start === span.start);
    if (!same) this.#pending.push({ type: 'citation', ...span, source });
  }

  /** Passes on all that was held back, and the character after it. */
  #release(char = ''): void {
    const raw = this.#held + this.#marker + char;
    this.#held = '';
    this.#marker = '';
    this.#closed = false;
    if (raw === '') return;
    const text = this.#joined(raw);
    this.#settle(text.charAt(0));
    this.#append(text);
  }

  /** Mends the seam where markers were taken out. */
  #joined(raw: string): string {
    if (!this.#afterMarker) return raw;
    const startsLine = this.#length === 0 || this.#previous === '\n';
    if (startsLine) return raw.replace(/^[ \t\u00a0]+/, '');
    return /^[\p{L}\p{N}]/u.test(raw) ? this.#dropped + raw : raw;
  }

  /** The first character after a marker decides whether the cited sentence ends with it. */
  #settle(next: string): void {
    if (!this.#afterMarker) return;
    this.#afterMarker = false;
    if (!/^[.!?…。！？]$/.test(next) || this.#lastSpan?.end !== this.#length) return;
    for (const citation of this.#pending) if (citation.end === this.#length) citation.end++;
    this.#lastSpan = { start: this.#lastSpan.start, end: this.#length + 1 };
  }

  #append(text: string): void {
    for (let i = 0; i < text.length; i++) {
      const char = text.charAt(i);
      this.#code.push(char);
      this.#text += char;
      this.#tail += char;
      this.#previous = char;
      this.#length++;
      if (this.#pending.length > 0) this.#emitPending();
    }
  }

  #emitPending(): void {
    if (this.#pending.length === 0) return;
    this.#flushText();
    this.#out.push(...this.#pending);
    this.#pending = [];
  }

  #flushText(): void {
    if (this.#text === '') return;
    this.#out.push({ type: 'text', text: this.#text });
    this.#text = '';
  }

  #drain(): FilteredEvent[] {
    this.#flushText();
    const out = this.#out;
    this.#out = [];
    return out;
  }
}

function hasWords(text: string): boolean {
  return /[\p{L}\p{N}]/u.test(text);
}
