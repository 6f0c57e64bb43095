/** A label that Markdown knows as the mark of an ordered list. */
const ORDERED = /^(\d{1,9})([.)]?)$/;
/** Items nested deeper do not indent any further. */
const DEEPEST_INDENT = 8;

/** Runs of white space that are more than a space: in most texts there are few, so that little is to be replaced. */
const WIDE_SPACE = /[^\S ]\s*| \s+/g;

/** Puts Markdown together from the blocks of a document. Blocks without text are left out. */
export class BlockWriter {
  readonly #blocks: string[] = [];
  #items: string[] = [];
  /** Depths and mark widths of the items around the next one. */
  #open: { depth: number; width: number }[] = [];
  #code: string[] = [];
  #notes: string[] = [];

  paragraph(text: string): void {
    this.#add(lines(text));
  }

  /** @param level from 1; levels beyond 6 count as 6 */
  heading(level: number, text: string): void {
    const title = text.replace(WIDE_SPACE, ' ').trim();
    this.#add(title === '' ? '' : `${'#'.repeat(Math.min(level, 6))} ${title}`);
  }

  /** A block that is Markdown already, such as a table. */
  markdown(text: string): void {
    this.#add(text);
  }

  /**
   * An item of a list.
   * @param depth from 0
   * @param label its number as it is written; empty for a bullet
   */
  item(depth: number, label: string, text: string): void {
    const [first = '', ...rest] = lines(text).split('\n');
    if (first === '') return;
    if (this.#items.length === 0) this.#close();
    while ((this.#open.at(-1)?.depth ?? -1) >= depth) this.#open.pop();
    const indent = ' '.repeat(this.#open.slice(0, DEEPEST_INDENT).reduce((sum, { width }) => sum + width, 0));
    const mark = ORDERED.test(label)
      ? label.replace(ORDERED, (_, number, sign) => `${number}${sign || '.'} `)
      : '- ';
    if (this.#open.length < DEEPEST_INDENT) this.#open.push({ depth, width: mark.length });
    this.#items.push(`${indent}${mark}${mark === '- ' && label !== '' ? `${label} ` : ''}${first}`);
    const hanging = indent + ' '.repeat(mark.length);
    for (const line of rest) this.#items.push(hanging + line);
  }

  /** Lines of code, kept as they are; those that follow one another become one block. */
  code(text: string): void {
    if (this.#code.length === 0) this.#close();
    this.#code.push(text);
  }

  /** Text that belongs to the block before, such as a footnote: a paragraph after that block, or after its list. */
  note(text: string): void {
    this.#notes.push(lines(text));
  }

  /** Ends the list or code that is open, so that the next is one of its own. */
  endBlock(): void {
    this.#close();
  }

  /** All that was written. */
  finish(): string {
    this.#close();
    return this.#blocks.join('\n\n');
  }

  #add(block: string): void {
    if (block === '') return;
    this.#close();
    this.#blocks.push(block);
  }

  /** Ends the list or code block and what belongs to it. */
  #close(): void {
    if (this.#items.length > 0) this.#blocks.push(this.#items.join('\n'));
    const code = this.#code
      .join('\n')
      .replace(/^(?:[ \t]*\n)+/, '')
      .trimEnd();
    if (code !== '') this.#blocks.push(fenced(code));
    for (const note of this.#notes) if (note !== '') this.#blocks.push(note);
    this.#items = [];
    this.#open = [];
    this.#code = [];
    this.#notes = [];
  }
}

/** Lines without white space that has no meaning, and without empty ones, which would end a paragraph. */
function lines(text: string): string {
  return text
    .split('\n')
    .map((line) => line.replace(WIDE_SPACE, ' ').trim())
    .filter((line) => line !== '')
    .join('\n');
}

function fenced(code: string): string {
  const longest = (code.match(/`{3,}/g) ?? []).reduce((most, run) => Math.max(most, run.length), 2);
  const fence = '`'.repeat(longest + 1);
  return `${fence}\n${code}\n${fence}`;
}
