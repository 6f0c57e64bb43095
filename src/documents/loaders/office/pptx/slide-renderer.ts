import { BlockWriter } from '../block-writer.js';
import { chartText } from '../chart.js';
import { diagramText } from '../diagram.js';
import { ABOVE, type GridCell, LEFT, mergedTableText } from '../merged-cells.js';
import { type OfficePackage, relationId } from '../package.js';
import { child, elements, type XmlElement } from '../xml.js';
import { framedElement, isTitle, shapesOf, type SlideShape } from './slide-shapes.js';
import { paragraphsOf, writeText } from './slide-text.js';
import { TextStyles } from './text-styles.js';

/** A longer title is a text that was put into the wrong place. */
const LONGEST_TITLE = 200;
const TRUE = /^(?:1|true|on)$/;

/** A slide as Markdown. */
export interface SlideText {
  title: string | undefined;
  /** Empty for a slide without any text. */
  text: string;
}

/** Writes slides as Markdown. */
export class SlideRenderer {
  readonly #styles: TextStyles;
  readonly #drawn = new Set<string>();

  constructor(private readonly parts: OfficePackage) {
    this.#styles = new TextStyles(parts);
  }

  /**
   * @param name of the slide's part
   * @param number of the slide, from 1
   * @throws {UnreadableDocumentError} when the slide is damaged
   */
  render(name: string, number: number): SlideText {
    const shapes = shapesOf(this.parts.xml(name));
    const titleShape = shapes.find(isTitle);
    const title = paragraphsOf(titleShape?.body).join(' ').replace(/\s+/g, ' ').trim();
    const hasTitle = title !== '' && title.length <= LONGEST_TITLE;
    const writer = new BlockWriter();
    if (!hasTitle) writer.paragraph(title);
    const findListStyles = this.#styles.ofSlide(name);
    for (const shape of shapes) {
      if (shape === titleShape) continue;
      writer.endBlock();
      if (shape.body === undefined) writer.markdown(this.#framedText(name, shape));
      else writeText(shape.body, findListStyles(shape.placeholder), writer);
    }
    for (const note of this.#notes(name)) writer.paragraph(note);
    const content = writer.finish();
    if (!hasTitle && content === '') return { title: undefined, text: '' };
    // a slide without a title must not look like a part of the one before
    const heading = `## ${hasTitle ? title : `Slide ${number}`}`;
    return {
      title: hasTitle ? title : undefined,
      text: content === '' ? heading : `${heading}\n\n${content}`,
    };
  }

  #framedText(slideName: string, shape: SlideShape): string {
    const content = framedElement(shape);
    if (content === undefined) return '';
    if (content.name === 'tbl') return this.#tableText(content);
    return content.name === 'chart'
      ? this.#drawing(slideName, relationId(content), chartText)
      : this.#drawing(slideName, content.attributes['dm'], diagramText);
  }

  #tableText(table: XmlElement): string {
    const grid = elements(table, 'tr').map((row) => elements(row, 'tc').map(gridCell));
    const firstRow = child(table, 'tblPr')?.attributes['firstRow'];
    return mergedTableText(grid, TRUE.test(firstRow ?? '1') ? 1 : 0);
  }

  /** The text of a drawing in a part of its own; once, however often it is shown. */
  #drawing(slideName: string, id: string | undefined, textOfDrawing: (root: XmlElement) => string): string {
    const name = this.parts.target(slideName, id);
    if (name === undefined || this.#drawn.has(name)) return '';
    this.#drawn.add(name);
    const root = this.parts.optionalXml(name);
    return root === undefined ? '' : textOfDrawing(root);
  }

  /** The paragraphs that the speaker wrote for the slide. */
  #notes(slideName: string): string[] {
    const notes = this.parts.optionalXml(this.parts.relatedTo(slideName, 'notesSlide')[0]);
    const paragraphs = (notes === undefined ? [] : shapesOf(notes))
      .filter(({ placeholder }) => placeholder?.type === 'body')
      .flatMap(({ body }) => paragraphsOf(body));
    return paragraphs.map((text, index) => (index === 0 ? `Notes: ${text}` : text));
  }
}

function gridCell(cell: XmlElement): GridCell {
  if (TRUE.test(cell.attributes['hMerge'] ?? '')) return LEFT;
  if (TRUE.test(cell.attributes['vMerge'] ?? '')) return ABOVE;
  return paragraphsOf(child(cell, 'txBody')).join(' ').replace(/\s+/g, ' ').trim();
}
