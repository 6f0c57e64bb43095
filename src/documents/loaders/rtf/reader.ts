import { UnreadableDocumentError } from '../loader.js';
import type { TextBlocks } from '../opendocument/text-blocks.js';
import { RtfContext } from './context.js';
import { controlsOf, type RtfControl } from './controls.js';
import type { RtfInfo } from './info.js';
import { RtfScanner } from './scanner.js';
import type { GroupState } from './state.js';
import { CHARACTERS, isIgnored } from './words.js';

/** Word processors nest some dozens. */
const DEEPEST_GROUP = 1000;
/** Escaped characters that stand for others. */
const SYMBOLS = new Map([
  ['~', '\u00a0'],
  ['_', '\u2011'],
  ['\t', '\t'],
]);

/** Reads rich text in one pass. */
export class RtfReader {
  readonly #scanner: RtfScanner;
  readonly #context: RtfContext;
  readonly #controls: ReadonlyMap<string, RtfControl>;
  readonly #stack: GroupState[] = [];

  constructor(bytes: Uint8Array) {
    this.#scanner = new RtfScanner(bytes);
    this.#context = new RtfContext(this.#scanner);
    this.#controls = controlsOf(this.#context);
  }

  /** What the document says about itself, once it is read. */
  get info(): RtfInfo {
    return this.#context.info;
  }

  /** @throws {UnreadableDocumentError} when groups are nested too deeply */
  read(): TextBlocks {
    const { flow } = this.#context.state;
    let last = this.#context.state;
    do {
      last = this.#context.state;
    } while (this.#readToken());
    // what was cut off ends where it is
    while (this.#stack.length > 0) this.#closeGroup();
    return flow.finish(this.#context.paragraphKind(last));
  }

  /** @returns false at the end of the document */
  #readToken(): boolean {
    const token = this.#scanner.next();
    if (token === 'text' || token === 'byte') {
      this.#readBytes(token === 'byte');
      return true;
    }
    this.#context.emit(this.#context.fonts.take(this.#context.state.font));
    if (token === 'open') this.#openGroup();
    else if (token === 'close') {
      this.#closeGroup();
      return this.#stack.length > 0;
    } else if (token === 'word') this.#readWord(this.#scanner.word, this.#scanner.parameter);
    else if (token === 'symbol') this.#readSymbol(String.fromCharCode(this.#scanner.byte));
    return token !== 'end';
  }

  #readBytes(isEscaped: boolean): void {
    const { text, byte } = this.#scanner;
    const skipped = Math.min(this.#context.fallback, isEscaped ? 1 : text.length);
    this.#context.fallback -= skipped;
    if (!isEscaped) this.#context.fonts.add(text.subarray(skipped));
    else if (skipped === 0) this.#context.fonts.addByte(byte);
  }

  #openGroup(): void {
    if (this.#stack.length >= DEEPEST_GROUP)
      throw new UnreadableDocumentError('Its groups are nested too deeply.');
    const parent = this.#context.state;
    this.#context.fallback = 0;
    this.#stack.push(parent);
    this.#context.state = { ...parent, isIgnorable: false, skipsNextGroup: false, onClose: undefined };
    if (parent.isStyleSheet) this.#context.openStyle();
    if (parent.skipsNextGroup) this.#scanner.skipGroup();
    parent.skipsNextGroup = false;
  }

  #closeGroup(): void {
    this.#context.fallback = 0;
    const closed = this.#context.state;
    this.#context.state = this.#stack.pop() ?? closed;
    closed.onClose?.(closed);
  }

  #readWord(word: string, parameter: number | undefined): void {
    const { state } = this.#context;
    const { isIgnorable } = state;
    state.isIgnorable = false;
    if (isIgnored(word, isIgnorable)) return this.#scanner.skipGroup();
    const character = CHARACTERS.get(word);
    if (character !== undefined) return this.#emitUnlessFallback(character);
    this.#context.fallback = 0;
    this.#controls.get(word)?.(parameter);
  }

  #readSymbol(symbol: string): void {
    if (symbol === '*') this.#context.state.isIgnorable = true;
    else if (symbol === '\n' || symbol === '\r') this.#context.endLine();
    else this.#emitUnlessFallback(SYMBOLS.get(symbol) ?? '');
  }

  #emitUnlessFallback(character: string): void {
    if (this.#context.fallback > 0) this.#context.fallback--;
    else this.#context.emit(character);
  }
}
