import { collapse } from './html-tree.js';

/** A list item or quotation around the lines that are written. */
interface Container {
  marker: string;
  /** Quotations mark every line, list items only their first. */
  everyLine: boolean;
  begun: boolean;
}

/** Deeper containers do not indent any further. */
const DEEPEST_INDENT = 8;

/** Writes Markdown block by block; keeps track of gaps between blocks and of the marks before lines. */
export class MarkdownWriter {
  readonly #out: string[] = [];
  readonly #containers: Container[] = [];
  #inline: string[] = [];
  /** Line breaks due before the next line. */
  #gap = 0;

  /** Adds text to the current line; its white space is collapsed. */
  text(text: string): void {
    this.#inline.push(text);
  }

  /** Ends the current line. The next begins after at least so many line breaks: 1 for a new line, 2 for a new block. */
  breakLine(gap: 1 | 2): void {
    const line = collapse(this.#inline.join(''));
    this.#inline = [];
    if (line !== '') this.#write(line);
    this.#gap = Math.max(this.#gap, gap);
  }

  /** Ends the current line as a paragraph of its own; inside a list item only the first stays next to the marker. */
  breakParagraph(): void {
    const item = this.#containers.at(-1);
    this.breakLine(item === undefined || item.everyLine || item.begun ? 2 : 1);
  }

  /** Begins a block of lines that are written as they are, such as code or a table. */
  lines(lines: readonly string[]): void {
    this.breakLine(2);
    // a fence or table is none behind a list marker, so the marker gets a line of its own
    if (this.#containers.at(-1)?.begun === false) {
      this.#write('');
      this.#gap = 1;
    }
    for (const line of lines) {
      this.#write(line);
      this.#gap = 1;
    }
    this.#gap = 2;
  }

  heading(level: number, text: string): void {
    // inside a list or quotation it is no section of the document
    const mark = this.#containers.length === 0 ? `${'#'.repeat(level)} ` : '';
    this.breakLine(2);
    if (text !== '') this.#write(mark + text);
    this.#gap = 2;
  }

  openContainer(marker: string, everyLine: boolean): void {
    this.#containers.push({ marker, everyLine, begun: false });
  }

  closeContainer(): void {
    this.breakLine(1);
    this.#containers.pop();
  }

  /** True inside a list item or quotation. */
  get nested(): boolean {
    return this.#containers.length > 0;
  }

  /** All that was written. */
  finish(): string {
    this.breakLine(1);
    return this.#out.join('');
  }

  #write(line: string): void {
    if (this.#out.length > 0) this.#out.push('\n'.repeat(Math.max(1, this.#gap)));
    this.#gap = 0;
    let prefix = '';
    this.#containers.forEach((container, depth) => {
      if (depth < DEEPEST_INDENT) {
        prefix +=
          container.begun && !container.everyLine ? ' '.repeat(container.marker.length) : container.marker;
      }
      container.begun = true;
    });
    this.#out.push(prefix + line);
  }
}
