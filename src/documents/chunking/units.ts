import { countTokens, type Span, splitSentences, trimSpan } from '../../common/text/index.js';
import { type Block, type HeadingBlock, scanBlocks } from './blocks.js';
import type { ChunkOptions } from './options.js';
import { splitByTokens } from './split-by-tokens.js';

/** What a chunk is put together from, and never cuts: a sentence, a heading, a code block that fits, and so on. */
export interface Unit extends Span {
  kind: 'heading' | 'sentence' | 'part';
  /** Tokens of the unit and the white space before it: what it adds to a chunk. */
  tokens: number;
  /** Tokens of the unit alone, where they are known. */
  ownTokens?: number;
  /** Number of the section; a heading begins a new one. */
  section: number;
  /** Headings above and of the section, outermost first. */
  headingPath: readonly string[];
}

/** No token is made of more characters than this; a longer text need not be counted to know that it does not fit. */
const MOST_CHARACTERS_PER_TOKEN = 40;

/** The units of a text in order; all between them is white space. Counts the tokens of each once. */
export function* unitsOf(text: string, options: ChunkOptions): Generator<Unit> {
  const splitter = new UnitSplitter(text, options);
  for (const block of scanBlocks(text)) yield* splitter.split(block);
}

class UnitSplitter {
  readonly #headings: HeadingBlock[] = [];
  #headingPath: readonly string[] = [];
  #section = 0;
  #end = 0;
  /** Tokens of the headings directly before, which must fit into one chunk with what follows. */
  #lead = 0;

  constructor(
    private readonly text: string,
    private readonly options: ChunkOptions,
  ) {}

  *split(block: Block): Generator<Unit> {
    if (block.kind === 'heading') yield* this.#splitHeading(block);
    else if (block.kind === 'text') yield* this.#splitText(block);
    else yield* this.#splitLines(block);
  }

  *#splitHeading(block: HeadingBlock): Generator<Unit> {
    while ((this.#headings.at(-1)?.level ?? 0) >= block.level) this.#headings.pop();
    this.#headings.push(block);
    this.#headingPath = this.#headings.map(({ title }) => title);
    this.#section++;
    const tokens = this.#added(block);
    const lead = this.#lead + tokens;
    // headings that would fill a chunk by themselves are text like any other
    if (lead * 2 > this.options.maxTokens) yield* this.#splitText(block);
    else {
      yield this.#unit('heading', block, tokens);
      this.#lead = lead;
    }
  }

  *#splitText(block: Span): Generator<Unit> {
    for (const { start, end } of splitSentences(this.text.slice(block.start, block.end))) {
      yield* this.#wholeOrParts('sentence', { start: block.start + start, end: block.start + end });
    }
  }

  /** Code and tables: whole if they fit, else line by line. */
  *#splitLines(block: Span): Generator<Unit> {
    const tokens = this.#fitting(block);
    if (tokens !== undefined) {
      yield this.#unit('part', block, tokens);
      return;
    }
    for (let start = block.start; start < block.end;) {
      const newline = this.text.indexOf('\n', start);
      const end = newline < 0 ? block.end : Math.min(newline, block.end);
      const line = trimSpan(this.text, start, end);
      if (line !== undefined) yield* this.#wholeOrParts('part', line);
      start = end + 1;
    }
  }

  *#wholeOrParts(kind: Unit['kind'], span: Span): Generator<Unit> {
    const tokens = this.#fitting(span);
    if (tokens !== undefined) {
      yield this.#unit(kind, span, tokens);
      return;
    }
    const limit = Math.max(1, Math.min(this.options.targetTokens, this.options.maxTokens - this.#lead - 2));
    for (const part of splitByTokens(this.text, span, limit))
      yield { ...this.#unit('part', part, part.tokens + 1), ownTokens: part.tokens };
  }

  /** The tokens that a range adds to a chunk, or undefined when it does not fit into one with its heading. */
  #fitting(span: Span): number | undefined {
    const room = this.options.maxTokens - this.#lead;
    if (span.end - span.start > room * MOST_CHARACTERS_PER_TOKEN) return undefined;
    const tokens = this.#added(span);
    return tokens <= room ? tokens : undefined;
  }

  #added({ start, end }: Span): number {
    // normalised text has no longer gaps; in other text a gap must not make a word look too long
    const from = start - this.#end <= 8 ? this.#end : start;
    return countTokens(this.text.slice(from, end));
  }

  #unit(kind: Unit['kind'], { start, end }: Span, tokens: number): Unit {
    this.#end = end;
    this.#lead = 0;
    return { kind, start, end, tokens, section: this.#section, headingPath: this.#headingPath };
  }
}
