import { describe, expect, it } from 'vitest';
import { UnreadableDocumentError } from './loader.js';
import { TextDocumentLoader } from './text.loader.js';

const loader = new TextDocumentLoader();
const read = async (bytes: Uint8Array, mediaType?: string) => (await loader.load({ bytes, mediaType })).text;
const utf16 = (text: string) => Buffer.from(text, 'utf16le');

describe('TextDocumentLoader', () => {
  it.each<[string, Uint8Array, string | undefined, string]>([
    ['UTF-8', Buffer.from('naïve 😀'), undefined, 'naïve 😀'],
    ['UTF-8 with a byte order mark', Buffer.from('\ufeffnaïve'), undefined, 'naïve'],
    ['UTF-16 little endian', utf16('\ufeffnaïve'), undefined, 'naïve'],
    ['UTF-16 big endian', utf16('\ufeffnaïve').swap16(), undefined, 'naïve'],
    ['UTF-16, declared', utf16('naïve'), 'text/plain; charset=utf-16le', 'naïve'],
    ['Windows-1252, undeclared', Buffer.from('\x93na\xefve\x94 \x80', 'latin1'), undefined, '“naïve” €'],
    [
      'Windows-1252, declared as UTF-8',
      Buffer.from('na\xefve', 'latin1'),
      'text/plain;charset="UTF-8"',
      'naïve',
    ],
    [
      'Windows-1251, undeclared',
      Buffer.from('\xcf\xf0\xe8\xec\xe5\xf0 \xf2\xe5\xea\xf1\xf2\xe0', 'latin1'),
      'text/plain',
      'Пример текста',
    ],
    ['UTF-16, undeclared', utf16('A naïve text.\r\nTwo lines.'), 'text/plain', 'A naïve text.\nTwo lines.'],
    ['a declared charset', Buffer.from([0xcf, 0xf0, 0xe8]), 'text/plain; charset=windows-1251', 'При'],
    ['Shift JIS', Buffer.from([0x93, 0xfa, 0x96, 0x7b]), 'text/plain; charset=shift_jis', '日本'],
    ['an unknown charset', Buffer.from('naïve'), 'text/plain; charset=klingon', 'naïve'],
  ])('reads %s', async (_, bytes, mediaType, expected) => {
    expect(await read(bytes, mediaType)).toBe(expected);
  });

  it('replaces a few damaged bytes and keeps the rest of a UTF-8 text', async () => {
    const text = await read(
      Buffer.concat([Buffer.from('日本語の文章がここにあります。'), Buffer.from([0xff])]),
    );
    expect(text).toBe('日本語の文章がここにあります。\ufffd');
  });

  it.each([
    ['NUL bytes', Buffer.from('abc\0def')],
    ['control characters', Buffer.from('\x01\x02\x03\x04abc')],
    ['a ZIP file', Buffer.from('PK\x03\x04abcdef')],
  ])('refuses %s', async (_, bytes) => {
    await expect(read(bytes)).rejects.toThrow(UnreadableDocumentError);
  });

  it('refuses bytes that are not the declared charset', async () => {
    const bytes = Buffer.from('\xa0\xff'.repeat(10), 'latin1');
    await expect(read(bytes, 'text/plain; charset=euc-jp')).rejects.toThrow('not valid euc-jp text');
  });
});
