import { UnreadableDocumentError } from '../loader.js';

/** A file in an archive, as the archive's directory describes it. */
export interface ZipEntry {
  /** The name's bytes. */
  name: Uint8Array;
  /** 0 for stored, 8 for deflated. */
  method: number;
  /** Bytes unpacked. */
  size: number;
  /** CRC-32 of the unpacked bytes. */
  checksum: number;
  isEncrypted: boolean;
  /**
   * The bytes as they are stored.
   * @throws {UnreadableDocumentError} when they are not where the directory says
   */
  packed: (archive: Uint8Array) => Uint8Array;
}

const END = 0x06054b50;
const END_LENGTH = 22;
const LONGEST_COMMENT = 0xffff;
const ZIP64_LOCATOR = 0x07064b50;
const ZIP64_LOCATOR_LENGTH = 20;
const ZIP64_END = 0x06064b50;
const SIGNATURE_RECORD = 0x05054b50;
/** What may follow the records of the directory. */
const AFTER_RECORDS = new Set([END, ZIP64_END, SIGNATURE_RECORD]);
const RECORD = 0x02014b50;
const RECORD_LENGTH = 46;
const LOCAL_RECORD = 0x04034b50;
const LOCAL_RECORD_LENGTH = 30;
/** Stands in a field whose value only fits into the ZIP64 extra field. */
const IN_EXTRA = 0xffff_ffff;
const ZIP64_EXTRA = 1;

/**
 * The entries of an archive, in the order of its directory.
 * @throws {UnreadableDocumentError} when there is no directory, or it is damaged
 */
export function* zipEntries(bytes: Uint8Array): Generator<ZipEntry> {
  const view = viewOf(bytes);
  let at = directoryStart(view);
  // the directory's own count does not go beyond 65,535, so its records are read until there are no more
  while (at + RECORD_LENGTH <= view.byteLength && view.getUint32(at, true) === RECORD) {
    const nameLength = view.getUint16(at + 28, true);
    const extraLength = view.getUint16(at + 30, true);
    const name = bytes.subarray(at + RECORD_LENGTH, at + RECORD_LENGTH + nameLength);
    const extraStart = at + RECORD_LENGTH + nameLength;
    if (extraStart + extraLength > view.byteLength) throw damaged();
    yield entryAt(view, at, name, extraStart, extraLength);
    at = extraStart + extraLength + view.getUint16(at + 32, true);
  }
  if (at + 4 > view.byteLength || !AFTER_RECORDS.has(view.getUint32(at, true))) throw damaged();
}

function directoryStart(view: DataView): number {
  const end = endOfDirectory(view);
  const locator = end - ZIP64_LOCATOR_LENGTH;
  if (locator >= 0 && view.getUint32(locator, true) === ZIP64_LOCATOR) {
    const zip64End = Number(view.getBigUint64(locator + 8, true));
    if (zip64End + 56 <= view.byteLength && view.getUint32(zip64End, true) === ZIP64_END)
      return Number(view.getBigUint64(zip64End + 48, true));
  }
  return view.getUint32(end + 16, true);
}

/** The record at the end of the archive, behind which only a comment may stand. */
function endOfDirectory(view: DataView): number {
  const first = Math.max(0, view.byteLength - END_LENGTH - LONGEST_COMMENT);
  for (let at = view.byteLength - END_LENGTH; at >= first; at--)
    if (view.getUint32(at, true) === END) return at;
  throw damaged();
}

function entryAt(
  view: DataView,
  at: number,
  name: Uint8Array,
  extraStart: number,
  extraLength: number,
): ZipEntry {
  let size = view.getUint32(at + 24, true);
  let packedSize = view.getUint32(at + 20, true);
  let offset = view.getUint32(at + 42, true);
  if (size === IN_EXTRA || packedSize === IN_EXTRA || offset === IN_EXTRA) {
    const next = zip64Values(view, extraStart, extraStart + extraLength);
    if (size === IN_EXTRA) size = next();
    if (packedSize === IN_EXTRA) packedSize = next();
    if (offset === IN_EXTRA) offset = next();
  }
  return {
    name,
    method: view.getUint16(at + 10, true),
    size,
    checksum: view.getUint32(at + 16, true),
    isEncrypted: (view.getUint16(at + 8, true) & 1) === 1,
    packed: (archive) => packedBytes(archive, offset, packedSize),
  };
}

/** The values of the ZIP64 extra field, one after the other; a value that is not there counts as it is. */
function zip64Values(view: DataView, start: number, end: number): () => number {
  let at = start;
  while (at + 4 <= end && view.getUint16(at, true) !== ZIP64_EXTRA) at += 4 + view.getUint16(at + 2, true);
  const last = at + 4 <= end ? Math.min(end, at + 4 + view.getUint16(at + 2, true)) : at;
  at += 4;
  return () => {
    if (at + 8 > last) return IN_EXTRA;
    at += 8;
    return Number(view.getBigUint64(at - 8, true));
  };
}

function packedBytes(archive: Uint8Array, offset: number, size: number): Uint8Array {
  const view = viewOf(archive);
  if (offset + LOCAL_RECORD_LENGTH > view.byteLength || view.getUint32(offset, true) !== LOCAL_RECORD)
    throw damaged();
  const start =
    offset + LOCAL_RECORD_LENGTH + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true);
  if (start + size > view.byteLength) throw damaged();
  return archive.subarray(start, start + size);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function damaged(): UnreadableDocumentError {
  return new UnreadableDocumentError('It is a damaged archive.');
}
