import { TextDecoder } from 'node:util';
import { codePageOfCharset, encodingOfCodePage, SYMBOL_CHARSET, symbolCharacter } from './charsets.js';

interface Font {
  name: string;
  /** Of its bytes; undefined for that of the document. */
  codePage: number | undefined;
  isSymbol: boolean;
}

const LONGEST_NAME = 100;
const SMALLEST_RUN = 256;

/** The fonts of a document, which say in which encoding its text is; and the text that is read in the one in force. */
export class RtfFonts {
  /** The code page of text whose font says nothing. */
  codePage = 1252;
  readonly #fonts = new Map<number, Font>();
  readonly #decoders = new Map<string, TextDecoder>();
  #defined: Font | undefined;
  #run = new Uint8Array(SMALLEST_RUN);
  #length = 0;

  /** A font of the font table begins. */
  define(number: number): void {
    this.#defined = { name: '', codePage: undefined, isSymbol: false };
    this.#fonts.set(number, this.#defined);
  }

  /** The character set of the font that is being defined. */
  setCharset(charset: number): void {
    if (this.#defined === undefined) return;
    this.#defined.isSymbol = charset === SYMBOL_CHARSET;
    this.#defined.codePage = codePageOfCharset(charset);
  }

  /** The code page of the font that is being defined. */
  setCodePage(codePage: number): void {
    if (this.#defined !== undefined) this.#defined.codePage = codePage;
  }

  /** A part of the name of the font that is being defined. */
  addName(text: string): void {
    const font = this.#defined;
    if (font !== undefined && font.name.length < LONGEST_NAME) font.name += text.slice(0, LONGEST_NAME);
  }

  isSymbol(font: number): boolean {
    return this.#fonts.get(font)?.isSymbol ?? false;
  }

  /** Adds bytes to the text; characters of several bytes may come in several pieces. */
  add(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#run.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  addByte(byte: number): void {
    this.#reserve(1);
    this.#run[this.#length++] = byte;
  }

  /** Ends the text, and returns it as it reads in this font. */
  take(fontNumber: number): string {
    const bytes = this.#run.subarray(0, this.#length);
    this.#length = 0;
    if (bytes.length === 0) return '';
    const font = this.#fonts.get(fontNumber);
    if (font?.isSymbol === true)
      return Array.from(bytes, (byte) => symbolCharacter(font.name, byte)).join('');
    return this.#decoder(font?.codePage ?? this.codePage).decode(bytes);
  }

  /** A character of Unicode; some stand for a byte of a font of signs. */
  character(code: number, fontNumber: number): string {
    const font = this.#fonts.get(fontNumber);
    const isSign = font?.isSymbol === true && code >= 0xf020 && code <= 0xf0ff;
    return isSign ? symbolCharacter(font.name, code - 0xf000) : String.fromCharCode(code);
  }

  #decoder(codePage: number): TextDecoder {
    const label = encodingOfCodePage(codePage);
    const known = this.#decoders.get(label);
    if (known !== undefined) return known;
    const decoder = new TextDecoder(label);
    this.#decoders.set(label, decoder);
    return decoder;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#run.length) return;
    const larger = new Uint8Array(2 * (this.#length + bytes));
    larger.set(this.#run.subarray(0, this.#length));
    this.#run = larger;
  }
}
