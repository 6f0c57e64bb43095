import { strToU8, zipSync } from 'fflate';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UnreadableDocumentError } from '../loader.js';
import { isZipWith, ZipArchive, zipMimetype } from './zip.js';

const DIRECTORY_RECORD = 0x02014b50;
const END_RECORD = 0x06054b50;

/** Where records of a kind begin. */
function recordsOf(bytes: Uint8Array, signature: number): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length - 3 }, (_, at) => at).filter(
    (at) => view.getUint32(at, true) === signature,
  );
}

/** A copy in which a field of each record in the archive's directory has another value. */
function withField(bytes: Uint8Array, offset: number, value: number, size: 2 | 4 = 4): Uint8Array {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  for (const at of recordsOf(copy, DIRECTORY_RECORD)) {
    if (size === 4) view.setUint32(at + offset, value, true);
    else view.setUint16(at + offset, value, true);
  }
  return copy;
}

const FLAGS = 8;
const METHOD = 10;
const CHECKSUM = 16;
const SIZE = 24;

function read(bytes: Uint8Array, name: string): string | undefined {
  const part = new ZipArchive(bytes).read(name);
  return part && Buffer.from(part).toString();
}

function timeOf(action: () => unknown): number {
  const start = performance.now();
  action();
  return performance.now() - start;
}

describe('ZipArchive', () => {
  it('reads deflated and stored parts by their names', () => {
    const archive = new ZipArchive(
      zipSync({
        'a/b.xml': strToU8('text '.repeat(1000)),
        stored: [strToU8('as it is'), { level: 0 }],
        empty: strToU8(''),
        'größe.txt': strToU8('ü'),
      }),
    );
    expect(archive.names).toEqual(['a/b.xml', 'stored', 'empty', 'größe.txt']);
    expect(archive.has('stored')).toBe(true);
    expect(archive.sizeOf('a/b.xml')).toBe(5000);
    expect(Buffer.from(archive.read('a/b.xml')!).toString()).toBe('text '.repeat(1000));
    expect(Buffer.from(archive.read('stored')!).toString()).toBe('as it is');
    expect(archive.read('empty')).toHaveLength(0);
    expect(Buffer.from(archive.read('größe.txt')!).toString()).toBe('ü');
    expect(archive.read('c')).toBeUndefined();
    expect(archive.has('c')).toBe(false);
    expect(archive.sizeOf('c')).toBeUndefined();
  });

  it('gives back what was packed, whatever its size', () => {
    const content = fc.uint8Array({ maxLength: 5000 });
    fc.assert(
      fc.property(content, fc.constantFrom(0, 6, 9), (bytes, level) => {
        const packed = zipSync({ 'a.bin': [bytes, { level: level as 0 }] });
        expect(Buffer.compare(new ZipArchive(packed).read('a.bin')!, bytes)).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  it('takes backslashes in names for slashes', () => {
    expect(read(zipSync({ 'word\\document.xml': strToU8('x') }), 'word/document.xml')).toBe('x');
  });

  it('finds its directory before a comment', () => {
    const plain = zipSync({ a: strToU8('x') });
    const commented = Buffer.concat([plain, Buffer.from('a comment')]);
    commented.writeUInt16LE(9, plain.length - 2);
    expect(read(commented, 'a')).toBe('x');
  });

  it('takes the last of several parts of one name', () => {
    const twice = zipSync({ a: strToU8('first'), b: strToU8('second') });
    for (const at of recordsOf(twice, DIRECTORY_RECORD)) twice[at + 46] = 'a'.charCodeAt(0);
    const archive = new ZipArchive(twice);
    expect(archive.names).toEqual(['a']);
    expect(read(twice, 'a')).toBe('second');
  });

  it('reads sizes and places that only fit into ZIP64 fields', () => {
    const plain = Buffer.from(zipSync({ 'big.txt': strToU8('content '.repeat(100)) }));
    const [record = 0] = recordsOf(plain, DIRECTORY_RECORD);
    const [end = 0] = recordsOf(plain, END_RECORD);
    const packedSize = plain.readUInt32LE(record + 20);
    const extra = Buffer.alloc(28);
    extra.writeUInt16LE(1, 0);
    extra.writeUInt16LE(24, 2);
    extra.writeBigUInt64LE(800n, 4);
    extra.writeBigUInt64LE(BigInt(packedSize), 12);
    const directory = Buffer.concat([plain.subarray(record, end), extra]);
    directory.writeUInt16LE(28, 30);
    for (const field of [20, 24, 42]) directory.writeUInt32LE(0xffff_ffff, field);
    const zip64End = Buffer.alloc(56);
    zip64End.writeUInt32LE(0x06064b50, 0);
    zip64End.writeBigUInt64LE(BigInt(record), 48);
    const locator = Buffer.alloc(20);
    locator.writeUInt32LE(0x07064b50, 0);
    locator.writeBigUInt64LE(BigInt(record + directory.length), 8);
    const last = Buffer.from(plain.subarray(end));
    last.writeUInt32LE(0xffff_ffff, 16);
    const zip64 = Buffer.concat([plain.subarray(0, record), directory, zip64End, locator, last]);
    expect(read(zip64, 'big.txt')).toBe('content '.repeat(100));
  });

  it('says that a part is protected by a password', () => {
    const archive = new ZipArchive(withField(zipSync({ a: strToU8('secret') }), FLAGS, 1, 2));
    expect(archive.names).toEqual(['a']);
    expect(() => archive.read('a')).toThrow(new UnreadableDocumentError('It is protected by a password.'));
  });

  it('says that it does not know a kind of compression', () => {
    const bytes = withField(zipSync({ a: strToU8('x') }), METHOD, 14, 2);
    expect(() => read(bytes, 'a')).toThrow('unusual kind of compression');
  });

  it('takes no longer for a part the more others there are', () => {
    const names = Array.from({ length: 8000 }, (_, at) => `part${at}`);
    const archive = new ZipArchive(
      zipSync(Object.fromEntries(names.map((name) => [name, strToU8(name)])), { level: 0 }),
    );
    const start = performance.now();
    for (const name of names) archive.read(name);
    expect(performance.now() - start).toBeLessThan(8000);
  });
});

describe('a hostile archive', () => {
  it('may not declare more than a document needs, in one part or in all', () => {
    const zeros = zipSync({ a: new Uint8Array(1_000_000) });
    const huge = new ZipArchive(withField(zeros, SIZE, 600 * 1024 * 1024));
    expect(() => huge.read('a')).toThrow(/^Unpacked, it is larger than 512 MB/);

    const large = new ZipArchive(withField(zeros, SIZE, 200 * 1024 * 1024));
    expect(() => large.read('a')).toThrow('It is a damaged archive.');
    expect(() => large.read('a')).toThrow('It is a damaged archive.');
    expect(() => large.read('a')).toThrow(/^Unpacked, it is larger than 512 MB/);
  });

  it('is not unpacked any further than it declares', () => {
    const honest = zipSync({ a: [new Uint8Array(100_000_000), { level: 1 }] });
    const lying = withField(honest, SIZE, 10);
    const readLying = (): unknown => new ZipArchive(lying).read('a');
    expect(readLying).toThrow(new UnreadableDocumentError('It is a damaged archive.'));
    // of several, the quickest: that one was not interrupted
    const lyingTime = Math.min(...[1, 2, 3].map(() => timeOf(() => expect(readLying).toThrow())));
    expect(lyingTime * 3).toBeLessThan(timeOf(() => new ZipArchive(honest).read('a')));
  });

  it('is damaged when parts are shorter than they are declared, or of another checksum', () => {
    const bytes = zipSync({ a: strToU8('text') });
    expect(() => read(withField(bytes, SIZE, 5), 'a')).toThrow('It is a damaged archive.');
    expect(() => read(withField(bytes, CHECKSUM, 1), 'a')).toThrow('It is a damaged archive.');
  });

  it('gains nothing by entries over the same data', () => {
    const bytes = zipSync({ a: strToU8('text '.repeat(100)), b: strToU8(''), c: strToU8('') });
    const [first = 0, ...others] = recordsOf(bytes, DIRECTORY_RECORD);
    for (const at of others) {
      bytes.copyWithin(at + METHOD, first + METHOD, first + METHOD + 18);
      bytes.copyWithin(at + 42, first + 42, first + 46);
    }
    expect(read(bytes, 'c')).toBe('text '.repeat(100));
    // each counts as if it had data of its own
    const archive = new ZipArchive(withField(bytes, SIZE, 200 * 1024 * 1024));
    expect(() => archive.read('a')).toThrow('It is a damaged archive.');
    expect(() => archive.read('b')).toThrow('It is a damaged archive.');
    expect(() => archive.read('c')).toThrow(/^Unpacked, it is larger than 512 MB/);
  });

  it('may not be of more than 20,000 files', () => {
    const files = Object.fromEntries(Array.from({ length: 20_001 }, (_, at) => [`p${at}`, new Uint8Array()]));
    const bytes = zipSync(files, { level: 0 });
    expect(() => new ZipArchive(bytes)).toThrow('It is an archive of more than 20000 files.');
    delete files['p0'];
    expect(new ZipArchive(zipSync(files, { level: 0 })).names).toHaveLength(20_000);
  });

  it('makes nothing but readable errors, wherever it is damaged', () => {
    const bytes = zipSync({ a: strToU8('some text '.repeat(20)), b: [strToU8('stored'), { level: 0 }] });
    const attempt = (damaged: Uint8Array): void => {
      try {
        const archive = new ZipArchive(damaged);
        for (const name of archive.names) archive.read(name);
      } catch (error) {
        expect(error).toBeInstanceOf(UnreadableDocumentError);
      }
    };
    for (let length = 0; length < bytes.length; length++) attempt(bytes.subarray(0, length));
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
        const damaged = bytes.slice();
        damaged[at] = value;
        attempt(damaged);
      }),
      { numRuns: 2000 },
    );
    expect(() => new ZipArchive(bytes.subarray(0, bytes.length - 30))).toThrow('It is a damaged archive.');
    expect(() => new ZipArchive(new Uint8Array())).toThrow('It is a damaged archive.');
  });
});

describe('isZipWith', () => {
  it('looks for a part by its name or its form', () => {
    const bytes = zipSync({ 'word/document2.xml': strToU8('x') });
    expect(isZipWith(bytes, 'word/document2.xml')).toBe(true);
    expect(isZipWith(bytes, /^word\/document\d*\.xml$/)).toBe(true);
    expect(isZipWith(bytes, 'word/document.xml')).toBe(false);
    expect(isZipWith(bytes.subarray(0, 40), 'word/document2.xml')).toBe(false);
    expect(isZipWith(strToU8('PK no archive'), 'a')).toBe(false);
  });
});

describe('zipMimetype', () => {
  it('is the content of the part of that name', () => {
    expect(zipMimetype(zipSync({ mimetype: [strToU8('application/epub+zip\n'), { level: 0 }] }))).toBe(
      'application/epub+zip',
    );
    expect(zipMimetype(zipSync({ other: strToU8('x') }))).toBeUndefined();
    expect(zipMimetype(zipSync({ mimetype: new Uint8Array(101) }))).toBeUndefined();
    expect(zipMimetype(withField(zipSync({ mimetype: strToU8('a/b') }), FLAGS, 1, 2))).toBeUndefined();
    expect(zipMimetype(strToU8('text'))).toBeUndefined();
  });
});
