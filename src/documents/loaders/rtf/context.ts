import type { TextBlocks } from '../opendocument/text-blocks.js';
import { type ParagraphKind, RtfFlow } from './flow.js';
import { RtfFonts } from './fonts.js';
import { RtfInfo } from './info.js';
import type { RtfScanner } from './scanner.js';
import { type GroupState, initialState, resetParagraph } from './state.js';
import { headingLevelOf, RtfStyles } from './styles.js';

const LONGEST_NAME = 200;

/** What is known while a document is read, and where its text goes. */
export class RtfContext {
  readonly info = new RtfInfo();
  readonly fonts = new RtfFonts();
  readonly styles = new RtfStyles();
  /** In force in the group that is open. */
  state: GroupState = initialState(new RtfFlow());
  defaultFont = 0;
  /** Characters to be left out, because one of Unicode before them stands for them. */
  fallback = 0;

  constructor(readonly scanner: RtfScanner) {}

  /** Text goes where the group sends it, unless nobody is meant to see it. */
  emit(text: string): void {
    const { sink, flow, isHidden, isDeleted } = this.state;
    if (text === '' || sink === undefined) return;
    if (sink !== 'flow') sink(text);
    else if (!isHidden && !isDeleted) flow.add(text);
  }

  /** What is known of the paragraph in a group. */
  paragraphKind({ style, outlineLevel, listLevel, tableLevel } = this.state): ParagraphKind {
    const known = this.styles.get(style);
    const headingLevel = outlineLevel === undefined ? known.headingLevel : headingLevelOf(outlineLevel);
    return { headingLevel, isCode: known.isCode, listLevel, tableLevel };
  }

  endParagraph(): void {
    if (this.state.sink === 'flow') this.state.flow.endParagraph(this.paragraphKind());
    else this.emit('\n');
  }

  endLine(): void {
    if (this.state.sink === 'flow') this.state.flow.endLine(this.paragraphKind());
  }

  /** @param tableLevel of the table whose cell ends */
  endCell(tableLevel: number): void {
    if (this.state.sink === 'flow') this.state.flow.endCell({ ...this.paragraphKind(), tableLevel });
  }

  /** What follows in the paragraph is the bullet or number of an item. */
  openMarker(): void {
    this.state.flow.endLines(this.paragraphKind());
    this.state.sink = (text) => this.state.flow.addMarker(text, this.fonts.isSymbol(this.state.font));
  }

  /** What is inside a footnote inside another is a part of that. */
  openNote(): void {
    if (this.state.isNote) return;
    this.openFlow((parent, note) => parent.addNote(note));
    this.state.isNote = true;
  }

  /** The group holds a text of its own, which belongs to the one around it. */
  openFlow(finish: (parent: RtfFlow, text: TextBlocks) => void): void {
    const parent = this.state.flow;
    const flow = new RtfFlow();
    this.state.flow = flow;
    this.state.sink = 'flow';
    resetParagraph(this.state);
    this.state.onClose = (closed) => finish(parent, flow.finish(this.paragraphKind(closed)));
  }

  /** The group declares a style: by its number, its properties, and its name. */
  openStyle(): void {
    let name = '';
    this.state.isStyleSheet = false;
    resetParagraph(this.state);
    this.state.sink = (text) => {
      if (name.length < LONGEST_NAME) name += text;
    };
    this.state.onClose = ({ style, outlineLevel, basedOn }) =>
      this.styles.add(style, name, outlineLevel, basedOn);
  }

  /** The group says what a field is made from. */
  openInstruction(): void {
    const { field } = this.state;
    this.state.sink = (text) => {
      if (field.instruction.length < LONGEST_NAME) field.instruction += text;
    };
  }
}
