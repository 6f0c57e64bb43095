import type { LoadedDocument } from '../loader.js';
import { BlockWriter } from '../office/block-writer.js';
import { joinPages } from '../paged-text.js';
import { tableText } from '../table-text.js';

/** A heading, paragraph, item of a list, line of code, or table. */
interface Block {
  kind: 'heading' | 'text' | 'item' | 'code' | 'table';
  text: string;
  page: number;
  /** Of a heading from 1, of a list from 0. */
  level: number;
  /** Of an item: its number, or empty for a bullet. */
  label: string;
}

/** A cell of a table. */
export interface TableCell {
  content: TextBlocks;
  /** True for a cell that repeats the one above it or before it, with which it is merged. */
  repeats?: boolean;
}

/** The chunker takes no longer line for a heading. */
const LONGEST_HEADING = 290;
/** A cell with more text is a column of a page layout. */
const LONGEST_CELL = 2000;
/** A longer text is not repeated in the other cells of a merged one. */
const LONGEST_REPEATED = 200;
/** Longer texts are no names of columns. */
const LONGEST_NAME = 60;

/** Collects the blocks of a word processor's document, or of a part of it such as a cell, to be written as Markdown. */
export class TextBlocks {
  readonly #children: (Block | TextBlocks)[] = [];
  /** True for what no cell of a data table holds. */
  #isPage = false;
  #hasHeading = false;
  #flat: string | undefined;

  /** @param position counts the pages while the document is read; a document without pages stays on the first */
  constructor(private readonly position: { page: number } = { page: 1 }) {}

  /** @param level from 1 */
  heading(level: number, text: string): void {
    const line = flatten(text);
    if (line.length > LONGEST_HEADING) return this.paragraph(line);
    if (line === '') return;
    this.#hasHeading = true;
    this.#add({ kind: 'heading', text: line, level });
  }

  paragraph(text: string): void {
    if (text.trim() !== '') this.#add({ kind: 'text', text });
  }

  /**
   * The first paragraph of an item of a list.
   * @param level of the list, from 0
   * @param label its number, or empty for a bullet
   */
  item(level: number, label: string, text: string): void {
    this.#add({ kind: 'item', text, level, label });
  }

  /** One more paragraph of the item before. */
  continueItem(text: string): void {
    const last = this.#children.at(-1);
    if (last === undefined || last instanceof TextBlocks || last.kind !== 'item') return this.paragraph(text);
    last.text += `\n${text}`;
    this.#flat = undefined;
  }

  /** Lines of code; those that follow one another become one block. */
  code(text: string): void {
    this.#add({ kind: 'code', text });
  }

  /**
   * Data as a table; but a table that only lays out a page becomes the blocks of its cells.
   * @param page on which the table begins
   */
  table(rows: readonly (readonly TableCell[])[], hasHeader: boolean, page = this.position.page): void {
    const width = rows.reduce((widest, row) => Math.max(widest, row.length), 0);
    if (width < 2 || rows.some((row) => row.some(({ content }) => content.#laysOutPage))) {
      for (const cell of rows.flat()) if (cell.repeats !== true) this.append(cell.content);
    } else {
      const texts = rows.map((row) => row.map(cellText)).filter((row) => row.some((cell) => cell !== ''));
      this.#add({ kind: 'table', text: tableText(texts, hasHeader || namesColumns(texts[0])), page });
    }
    this.#isPage ||= width > 1;
  }

  /** All blocks of another collection. */
  append(other: TextBlocks): void {
    this.#children.push(other);
    this.#isPage ||= other.#isPage;
    this.#hasHeading ||= other.#hasHeading;
    this.#flat = undefined;
  }

  /** The text of the first heading, at any depth. */
  get firstHeading(): string | undefined {
    return this.#blocks().find(({ kind }) => kind === 'heading')?.text;
  }

  /** Everything on one line, without marks except the numbers of lists. */
  get flat(): string {
    if (this.#flat !== undefined) return this.#flat;
    const parts: string[] = [];
    let last: Block['kind'] | undefined;
    for (const { kind, text, label } of this.#blocks()) {
      const line = flatten(`${label} ${text}`);
      if (line === '') continue;
      if (last !== undefined) parts.push(kind === 'item' && last === 'item' ? '; ' : ' ');
      parts.push(line);
      last = kind;
    }
    this.#flat = parts.join('');
    return this.#flat;
  }

  /** Everything as Markdown. */
  get markdown(): string {
    return writeBlocks(this.#blocks());
  }

  /** Everything as Markdown, with where each page is. */
  get paged(): Required<Pick<LoadedDocument, 'text' | 'pages'>> {
    const pages = new Map<number, Block[]>();
    for (const block of this.#blocks()) {
      const onPage = pages.get(block.page);
      if (onPage === undefined) pages.set(block.page, [block]);
      else onPage.push(block);
    }
    const inOrder = [...pages].sort(([a], [b]) => a - b);
    return joinPages(inOrder.map(([page, blocks]) => ({ page, text: writeBlocks(blocks) })));
  }

  /** True for tables, sections and long texts. A lone heading is the name of a column. */
  get #laysOutPage(): boolean {
    if (this.#isPage || (this.#hasHeading && this.#children.length > 1)) return true;
    return this.flat.length > LONGEST_CELL;
  }

  #add(block: Pick<Block, 'kind' | 'text'> & Partial<Block>): void {
    this.#children.push({ page: this.position.page, level: 0, label: '', ...block });
    this.#flat = undefined;
  }

  #blocks(into: Block[] = []): Block[] {
    for (const child of this.#children) {
      if (child instanceof TextBlocks) child.#blocks(into);
      else into.push(child);
    }
    return into;
  }
}

function flatten(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

function cellText({ content, repeats }: TableCell): string {
  return repeats === true && content.flat.length > LONGEST_REPEATED ? '' : content.flat;
}

/** True for a first row that looks like the names of columns: all there, all different, short, and no figures. */
function namesColumns(row: readonly string[] = []): boolean {
  const isName = (cell: string) => cell !== '' && cell.length <= LONGEST_NAME && /\p{L}/u.test(cell);
  return new Set(row).size === row.length && row.every(isName);
}

function writeBlocks(blocks: readonly Block[]): string {
  const writer = new BlockWriter();
  for (const { kind, text, level, label } of blocks) {
    if (kind === 'heading') writer.heading(level, text);
    else if (kind === 'item') writer.item(level, label, text);
    else if (kind === 'code') for (const line of text.split('\n')) writer.code(line);
    else if (kind === 'table') writer.markdown(text);
    else writer.paragraph(text);
  }
  return writer.finish();
}
