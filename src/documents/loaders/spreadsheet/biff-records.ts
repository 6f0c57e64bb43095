import { ByteReader } from './byte-reader.js';

const CONTINUE = 0x3c;

/** A record of an older Excel file. */
export interface BiffRecord {
  kind: number;
  /** Where it begins. */
  offset: number;
  data: ByteReader;
  /** The data of the records that continue it. */
  continued: readonly Uint8Array[];
}

/** The records of a workbook's stream, each together with those that continue it. */
export function* biffRecords(stream: Uint8Array): Generator<BiffRecord> {
  const reader = new ByteReader(stream);
  let record: (BiffRecord & { continued: Uint8Array[] }) | undefined;
  while (reader.left >= 4) {
    const offset = stream.length - reader.left;
    const kind = reader.uint16();
    // the last one may be cut short
    const bytes = reader.bytes(Math.min(reader.uint16(), reader.left));
    if (kind === CONTINUE && record !== undefined) {
      record.continued.push(bytes);
      continue;
    }
    if (record !== undefined) yield record;
    record = { kind, offset, data: new ByteReader(bytes), continued: [] };
  }
  if (record !== undefined) yield record;
}

/** Flags of a text. */
const WIDE = 1;
const EXTENDED = 4;
const RICH = 8;

/** Reads texts of a record and of those that continue it, which go on in the middle of a text. */
export class BiffTextReader {
  #data: ByteReader;
  readonly #continued: Iterator<Uint8Array>;

  constructor({ data, continued }: BiffRecord) {
    this.#data = data;
    this.#continued = continued.values();
  }

  /** True when there is something left to read. */
  get hasMore(): boolean {
    return this.#data.left > 0 || this.#next();
  }

  /** A text behind its length in two bytes. What tells of its looks is skipped. */
  text(): string {
    const length = this.#bytes(2).uint16();
    const flags = this.#bytes(1).uint8();
    const runs = (flags & RICH) === 0 ? 0 : this.#bytes(2).uint16();
    const extension = (flags & EXTENDED) === 0 ? 0 : this.#bytes(4).uint32();
    const text = this.#characters(length, (flags & WIDE) !== 0);
    this.#skip(4 * runs + extension);
    return text;
  }

  /** Characters of one or two bytes each. Where they go on in another record, that begins with how many. */
  #characters(length: number, isWide: boolean): string {
    let text = '';
    for (let wide = isWide; ;) {
      const size = wide ? 2 : 1;
      const count = Math.min(length - text.length, Math.floor(this.#data.left / size));
      text += wide ? this.#data.utf16(count) : this.#data.latin1(count);
      if (text.length >= length || !this.#next()) return text;
      wide = (this.#data.uint8() & WIDE) !== 0;
    }
  }

  #skip(length: number): void {
    let left = length;
    while (left > this.#data.left) {
      left -= this.#data.left;
      if (!this.#next()) return;
    }
    this.#data.skip(left);
  }

  /** The next bytes, which are never cut in two. */
  #bytes(length: number): ByteReader {
    if (this.#data.left === 0) this.#next();
    return this.#data.part(length);
  }

  #next(): boolean {
    const next = this.#continued.next();
    if (next.done === true) return false;
    this.#data = new ByteReader(next.value);
    return true;
  }
}
