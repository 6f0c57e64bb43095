import { UnreadableDocumentError } from '../loader.js';

/** A stream or storage, as the directory describes it. */
interface OleEntry {
  name: string;
  kind: number;
  /** Number of its first sector. */
  start: number;
  size: number;
  left: number;
  right: number;
  child: number;
}

const SIGNATURE = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
const HEADER_LENGTH = 512;
/** Numbers of the first sectors of the allocation table stand in the header, from here to its end. */
const TABLE_LIST = 76;
const DIRECTORY_ENTRY_LENGTH = 128;
const MOST_ENTRIES = 20_000;
const STREAM = 2;
const ROOT = 5;
/** Sector numbers from here on are marks, such as the end of a chain. */
const FIRST_MARK = 0xffff_fffa;

/**
 * A file in the container of older Office files, a small file system of its own ("OLE", compound file). Knows the
 * streams at its root, not those in folders, which belong to embedded objects.
 */
export class OleFile {
  private readonly view: DataView;
  private readonly sectorSize: number;
  private readonly smallSectorSize: number;
  /** Streams smaller than this are packed into the stream of the root, in small sectors. */
  private readonly smallBelow: number;
  private readonly tableSectors: number[];
  private readonly root: OleEntry;
  private readonly streams = new Map<string, OleEntry>();
  private small: { sectors: Uint8Array; table: DataView } | undefined;

  /** @throws {UnreadableDocumentError} when it is damaged */
  constructor(private readonly bytes: Uint8Array) {
    if (!isOle(bytes) || bytes.length < HEADER_LENGTH) throw damaged();
    this.view = viewOf(bytes);
    const sectorBits = this.view.getUint16(30, true);
    const smallBits = this.view.getUint16(32, true);
    if ((sectorBits !== 9 && sectorBits !== 12) || smallBits < 2 || smallBits > sectorBits) throw damaged();
    this.sectorSize = 1 << sectorBits;
    this.smallSectorSize = 1 << smallBits;
    this.smallBelow = this.view.getUint32(56, true);
    this.tableSectors = this.readTableSectors();
    const entries = this.readDirectory();
    const root = entries[0];
    if (root?.kind !== ROOT) throw damaged();
    this.root = root;
    for (const entry of siblings(entries, root.child))
      if (entry.kind === STREAM) this.streams.set(entry.name.toLowerCase(), entry);
  }

  /** True when there is a stream of this name, in whatever case. */
  has(name: string): boolean {
    return this.streams.has(name.toLowerCase());
  }

  /**
   * The bytes of a stream, or undefined when there is none of that name.
   * @throws {UnreadableDocumentError} when it is damaged
   */
  read(name: string): Uint8Array | undefined {
    const entry = this.streams.get(name.toLowerCase());
    if (entry === undefined) return undefined;
    if (entry.size >= this.smallBelow) return this.readChain(entry.start, entry.size);
    this.small ??= {
      sectors: this.readChain(this.root.start, this.root.size),
      table: viewOf(this.readChain(this.view.getUint32(60, true), Infinity)),
    };
    return this.readSmallChain(entry, this.small.sectors, this.small.table);
  }

  /** The sectors that make up the allocation table: the header names the first, and chained sectors the others. */
  private readTableSectors(): number[] {
    const most = this.bytes.length / this.sectorSize;
    const sectors: number[] = [];
    const take = (from: number, to: number): void => {
      for (let at = from; at < to; at += 4) sectors.push(this.view.getUint32(at, true));
    };
    take(TABLE_LIST, HEADER_LENGTH);
    let next = this.view.getUint32(68, true);
    while (next < FIRST_MARK && sectors.length < most) {
      const start = this.offsetOf(next);
      const end = start + this.sectorSize - 4;
      take(start, end);
      next = this.view.getUint32(end, true);
    }
    return sectors;
  }

  private readDirectory(): OleEntry[] {
    const most = MOST_ENTRIES * DIRECTORY_ENTRY_LENGTH;
    const directory = viewOf(this.readChain(this.view.getUint32(48, true), Infinity, most));
    const entries: OleEntry[] = [];
    for (let at = 0; at + DIRECTORY_ENTRY_LENGTH <= directory.byteLength; at += DIRECTORY_ENTRY_LENGTH)
      entries.push(entryAt(directory, at));
    return entries;
  }

  /**
   * The content of a chain of sectors, to its end or to `size`.
   * @param most bytes that are read at most
   */
  private readChain(first: number, size: number, most = this.bytes.length): Uint8Array {
    const sectors: Uint8Array[] = [];
    let length = 0;
    for (let sector = first; sector < FIRST_MARK && length < size; sector = this.after(sector)) {
      // a chain that is longer than the file goes in circles
      if (length > most) throw damaged();
      const start = this.offsetOf(sector);
      sectors.push(this.bytes.subarray(start, start + this.sectorSize));
      length += this.sectorSize;
    }
    const content = Buffer.concat(sectors);
    if (size === Infinity) return content;
    // the last sector of the file may be cut short
    if (content.length + this.sectorSize < size) throw damaged();
    return content.subarray(0, size);
  }

  private readSmallChain({ start, size }: OleEntry, sectors: Uint8Array, table: DataView): Uint8Array {
    if (size > sectors.length) throw damaged();
    const content = new Uint8Array(size);
    let sector = start;
    for (let length = 0; length < size; length += this.smallSectorSize) {
      const from = sector * this.smallSectorSize;
      if (from >= sectors.length) throw damaged();
      const to = from + Math.min(this.smallSectorSize, size - length);
      content.set(sectors.subarray(from, to), length);
      sector = sector * 4 + 4 <= table.byteLength ? table.getUint32(sector * 4, true) : FIRST_MARK;
    }
    return content;
  }

  /** The sector behind another in its chain. */
  private after(sector: number): number {
    const perSector = this.sectorSize / 4;
    const tableSector = this.tableSectors[Math.floor(sector / perSector)];
    if (tableSector === undefined || tableSector >= FIRST_MARK) throw damaged();
    const at = this.offsetOf(tableSector) + (sector % perSector) * 4;
    if (at + 4 > this.bytes.length) throw damaged();
    return this.view.getUint32(at, true);
  }

  private offsetOf(sector: number): number {
    const offset = (sector + 1) * this.sectorSize;
    if (offset >= this.bytes.length) throw damaged();
    return offset;
  }
}

/** True when the bytes are an OLE file with one of these streams at its root. Never throws. */
export function isOleWith(bytes: Uint8Array, ...names: readonly string[]): boolean {
  if (!isOle(bytes)) return false;
  try {
    const file = new OleFile(bytes);
    return names.some((name) => file.has(name));
  } catch {
    return false;
  }
}

/** True for a password-protected Office file of the newer formats (DOCX, XLSX, PPTX), whichever it is. Never throws. */
export function isEncryptedOffice(bytes: Uint8Array): boolean {
  return isOleWith(bytes, 'EncryptedPackage');
}

function isOle(bytes: Uint8Array): boolean {
  return SIGNATURE.every((byte, index) => bytes[index] === byte);
}

function entryAt(directory: DataView, at: number): OleEntry {
  const nameLength = Math.min(64, directory.getUint16(at + 64, true));
  let name = '';
  for (let unit = 0; unit + 2 < nameLength; unit += 2)
    name += String.fromCharCode(directory.getUint16(at + unit, true));
  return {
    name,
    kind: directory.getUint8(at + 66),
    left: directory.getUint32(at + 68, true),
    right: directory.getUint32(at + 72, true),
    child: directory.getUint32(at + 76, true),
    start: directory.getUint32(at + 116, true),
    size: directory.getUint32(at + 120, true),
  };
}

/** The entries of a folder, which are kept as a binary tree. */
function siblings(entries: readonly OleEntry[], root: number): OleEntry[] {
  const found = new Set<OleEntry>();
  const open = [root];
  for (let index = open.pop(); index !== undefined; index = open.pop()) {
    const entry = entries[index];
    if (entry === undefined || found.has(entry)) continue;
    found.add(entry);
    open.push(entry.left, entry.right);
  }
  return [...found];
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function damaged(): UnreadableDocumentError {
  return new UnreadableDocumentError('It is a damaged Office file.');
}
