/** What comes next in rich text. */
type RtfToken = 'open' | 'close' | 'word' | 'symbol' | 'text' | 'byte' | 'end';

const OPEN = 0x7b;
const CLOSE = 0x7d;
const BACKSLASH = 0x5c;
const CR = 0x0d;
const LF = 0x0a;
const SPACE = 0x20;
const APOSTROPHE = 0x27;
const MINUS = 0x2d;
const LONGEST_WORD = 32;
const MOST_DIGITS = 10;

/** Takes rich text apart, piece by piece. It is ASCII with escapes; what is not is left to who knows the encoding. */
export class RtfScanner {
  /** Of a word: its name. */
  word = '';
  /** Of a word: the number behind it. */
  parameter: number | undefined;
  /** Of a symbol: its character's code. Of an escaped byte of the text: that byte. */
  byte = 0;
  /** Of text: its bytes, without braces, backslashes and line breaks. */
  text: Uint8Array = new Uint8Array();
  #at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  next(): RtfToken {
    const { bytes } = this;
    while (bytes[this.#at] === CR || bytes[this.#at] === LF) this.#at++;
    if (this.#at >= bytes.length) return 'end';
    const byte = bytes[this.#at];
    if (byte === BACKSLASH) return this.#readEscape();
    if (byte === OPEN || byte === CLOSE) {
      this.#at++;
      return byte === OPEN ? 'open' : 'close';
    }
    const start = this.#at;
    while (this.#at < bytes.length && !isMark(bytes[this.#at])) this.#at++;
    this.text = bytes.subarray(start, this.#at);
    return 'text';
  }

  /** Goes to the end of the group that is open; what comes next is its closing brace. */
  skipGroup(): void {
    const { bytes } = this;
    let depth = 0;
    for (; this.#at < bytes.length; this.#at++) {
      const byte = bytes[this.#at];
      if (byte === OPEN) depth++;
      else if (byte === CLOSE && --depth < 0) return;
      else if (byte === BACKSLASH) {
        this.#readEscape();
        this.#at--;
      }
    }
  }

  #readEscape(): RtfToken {
    const { bytes } = this;
    this.#at++;
    const byte = bytes[this.#at];
    if (byte === undefined) return 'end';
    if (isLetter(byte)) {
      this.#readWord();
      return 'word';
    }
    this.#at++;
    if (byte === APOSTROPHE) {
      const high = hexDigit(bytes[this.#at]);
      const low = hexDigit(bytes[this.#at + 1]);
      if (high !== undefined && low !== undefined) {
        this.#at += 2;
        this.byte = 16 * high + low;
        return 'byte';
      }
    }
    this.byte = byte;
    return byte === OPEN || byte === CLOSE || byte === BACKSLASH ? 'byte' : 'symbol';
  }

  #readWord(): void {
    const { bytes } = this;
    this.word = '';
    for (; isLetter(bytes[this.#at]); this.#at++) {
      if (this.word.length < LONGEST_WORD) this.word += String.fromCharCode(bytes[this.#at] ?? 0);
    }
    const isNegative = bytes[this.#at] === MINUS && isDigit(bytes[this.#at + 1]);
    if (isNegative) this.#at++;
    this.parameter = this.#readNumber(isNegative ? -1 : 1);
    if (bytes[this.#at] === SPACE) this.#at++;
    // data follows that is in no encoding
    if (this.word === 'bin') this.#at += Math.max(0, Math.min(this.parameter ?? 0, bytes.length - this.#at));
  }

  #readNumber(sign: number): number | undefined {
    if (!isDigit(this.bytes[this.#at])) return undefined;
    let number = 0;
    for (let digits = 0; isDigit(this.bytes[this.#at]); this.#at++) {
      if (digits++ < MOST_DIGITS) number = 10 * number + (this.bytes[this.#at] ?? 0) - 0x30;
    }
    return sign * number;
  }
}

function isMark(byte: number | undefined): boolean {
  return byte === BACKSLASH || byte === OPEN || byte === CLOSE || byte === CR || byte === LF;
}

function isLetter(byte = 0): boolean {
  return (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a);
}

function isDigit(byte = 0): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function hexDigit(byte = 0): number | undefined {
  if (isDigit(byte)) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : undefined;
}
