import { elements, type XmlElement } from '../office/xml.js';
import { countFrom } from './styles.js';
import { type TableCell, TextBlocks } from './text-blocks.js';

/** A cell is repeated in no more columns than these. */
const MOST_REPEATS = 50;
/** Characters that repeated cells may add to a document. */
const MOST_REPEATED = 100_000;

/** A cell that reaches into the rows below. */
interface Spanning {
  content: TextBlocks;
  rowsLeft: number;
}

/** Reads the rows of tables. A cell that is merged with others is repeated in those below, so that each row makes sense. */
export class TableRowReader {
  #repeatsLeft = MOST_REPEATED;

  constructor(
    private readonly readCell: (cell: XmlElement) => TextBlocks,
    /** Called where a page ends between two rows. */
    private readonly endPage: () => void,
  ) {}

  read(table: XmlElement): { rows: TableCell[][]; hasHeader: boolean } {
    const rows: TableCell[][] = [];
    const spanning: (Spanning | undefined)[] = [];
    let hasHeader = table.attributes['use-first-row-styles'] === 'true';
    const visit = (parent: XmlElement): void => {
      for (const element of elements(parent)) {
        if (element.name === 'table-row') rows.push(this.#readRow(element, spanning));
        else if (element.name === 'soft-page-break') this.endPage();
        else if (/^table-(?:header-rows|rows|row-group)$/.test(element.name)) {
          hasHeader ||= element.name === 'table-header-rows' && rows.length === 0;
          visit(element);
        }
      }
    };
    visit(table);
    return { rows, hasHeader };
  }

  #readRow(row: XmlElement, spanning: (Spanning | undefined)[]): TableCell[] {
    const cells: TableCell[] = [];
    for (const element of elements(row)) {
      const { 'number-columns-repeated': repeated, 'number-rows-spanned': spanned } = element.attributes;
      const times = Math.min(countFrom(repeated) ?? 1, MOST_REPEATS);
      if (element.name === 'table-cell') {
        const content = this.readCell(element);
        const rowsLeft = (countFrom(spanned) ?? 1) - 1;
        spanning[cells.length] = rowsLeft > 0 ? { content, rowsLeft } : undefined;
        cells.push({ content });
        for (let left = times; left > 1; left--) cells.push(this.#repeat(content));
      } else if (element.name === 'covered-table-cell') {
        for (let left = times; left > 0; left--) cells.push(this.#covered(spanning, cells.length));
      }
    }
    return cells;
  }

  /** The cell that covers a column from above; a cell that is covered from its left is empty. */
  #covered(spanning: (Spanning | undefined)[], column: number): TableCell {
    const above = spanning[column];
    if (above === undefined) return this.#repeat(undefined);
    if (--above.rowsLeft === 0) spanning[column] = undefined;
    return this.#repeat(above.content);
  }

  #repeat(content: TextBlocks | undefined): TableCell {
    if (content !== undefined && this.#repeatsLeft > 0) this.#repeatsLeft -= content.flat.length;
    return { content: this.#repeatsLeft > 0 && content ? content : new TextBlocks(), repeats: true };
  }
}
