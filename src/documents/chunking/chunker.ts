import { countTokens } from '../../common/text/index.js';
import { chunkOptions, type ChunkOptions } from './options.js';
import { packUnits } from './pack.js';
import { splitByTokens } from './split-by-tokens.js';
import { type Unit, unitsOf } from './units.js';

/** A passage of a document that is embedded, found and quoted as one. */
export interface Chunk {
  /** Position among the chunks of its document, from 0. */
  ordinal: number;
  /** First code unit in the document's text. */
  start: number;
  /** One past the last code unit. */
  end: number;
  /** The document's text from `start` to `end`, character for character. */
  text: string;
  /** The headings that all of the chunk stands under, outermost first, without markup. */
  headingPath: string[];
  /** `countTokens(text)` */
  tokens: number;
}

/**
 * Cuts a text into chunks along its structure: Markdown headings begin sections; sections are filled with paragraphs,
 * code blocks and tables that stay whole while they fit, and with whole sentences; only a sentence that is longer than
 * a chunk is cut, at a word where it has words. Tiny sections go together with the next one, under the headings they
 * share. Every character but white space is in a chunk; chunks overlap by whole sentences inside a section.
 * Deterministic; takes linear time.
 * @param text a normalised text (`normaliseText`); others work, but are not cut as well
 * @throws {RangeError} when the options contradict each other
 */
export function chunkText(text: string, options?: Partial<ChunkOptions>): Chunk[] {
  const complete = chunkOptions(options);
  const chunks: Chunk[] = [];
  for (const group of packUnits([...unitsOf(text, complete)], complete)) {
    for (const fitting of withinMaximum(text, group, complete))
      chunks.push({ ordinal: chunks.length, ...fitting });
  }
  return chunks;
}

/**
 * A group as a chunk. Its tokens are not exactly the sum of its units' tokens, since tokens reach over their borders:
 * a group that turns out too long by one or two is cut in two.
 */
function* withinMaximum(
  text: string,
  group: readonly Unit[],
  options: ChunkOptions,
): Generator<Omit<Chunk, 'ordinal'>> {
  for (let rest = group; rest.length > 0;) {
    const first = rest[0];
    if (first === undefined) return;
    let taken = rest.length;
    let tokens = countGroup(text, rest);
    while (tokens > options.maxTokens && taken > 1) {
      taken = withoutTrailingHeadings(rest, taken - 1);
      tokens = countGroup(text, rest.slice(0, taken));
    }
    const units = rest.slice(0, taken);
    const { start } = first;
    const end = units.at(-1)?.end ?? first.end;
    const headingPath = sharedPath(units);
    if (tokens <= options.maxTokens) yield { start, end, text: text.slice(start, end), headingPath, tokens };
    else {
      for (const part of splitByTokens(text, first, options.targetTokens)) {
        yield { ...part, text: text.slice(part.start, part.end), headingPath };
      }
    }
    rest = rest.slice(taken);
  }
}

function countGroup(text: string, units: readonly Unit[]): number {
  const known = units.length === 1 ? units[0]?.ownTokens : undefined;
  return known ?? countTokens(text.slice(units[0]?.start, units.at(-1)?.end));
}

function withoutTrailingHeadings(units: readonly Unit[], length: number): number {
  let end = length;
  while (end > 1 && units[end - 1]?.kind === 'heading') end--;
  return units[end - 1]?.kind === 'heading' ? length : end;
}

/** The path that all units share. Headings alone do not count: a title and its first section are under both. */
function sharedPath(units: readonly Unit[]): string[] {
  const content = units.filter(({ kind }) => kind !== 'heading');
  const paths = (content.length > 0 ? content : units.slice(-1)).map(({ headingPath }) => headingPath);
  const [first = [], ...others] = new Set(paths);
  const differs = first.findIndex((title, depth) => others.some((path) => path[depth] !== title));
  return differs < 0 ? [...first] : first.slice(0, differs);
}
