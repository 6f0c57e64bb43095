import { describe, expect, it } from 'vitest';
import { normaliseText } from '../normalize.js';
import { documentLoaders, findLoader, UnreadableDocumentError } from './index.js';
import { TextDocumentLoader } from './text.loader.js';
import { DocumentLoaderRegistry } from './registry.js';

const bytes = (text: string) => new TextEncoder().encode(text);
const binary = Uint8Array.from({ length: 4096 }, (_, at) => (at * 31) % 256);

describe.each(documentLoaders.loaders.map((loader) => [loader.name, loader] as const))(
  'the %s loader',
  (_, loader) => {
    it('is found by each of its media types and extensions', () => {
      for (const mediaType of loader.mediaTypes) {
        expect(findLoader({ bytes: bytes(''), mediaType: `${mediaType.toUpperCase()}; charset=utf-8` })).toBe(
          loader,
        );
      }
      for (const extension of loader.extensions) {
        expect(findLoader({ bytes: bytes(''), fileName: `dir.x/Name.${extension.toUpperCase()}` })).toBe(
          loader,
        );
      }
    });

    it('refuses binary data', async () => {
      await expect(loader.load({ bytes: binary })).rejects.toBeInstanceOf(UnreadableDocumentError);
      await expect(loader.load({ bytes: bytes('%PDF-1.7\n') })).rejects.toBeInstanceOf(
        UnreadableDocumentError,
      );
      expect(loader.recognises(binary)).toBe(false);
    });

    it('gives normalised text and metadata that JSON can hold', async () => {
      const loaded = await loader.load({ bytes: bytes('Cafe\u0301\r\n\r\n\r\n\r\n\r\nau  lait \r\n') });
      expect(loaded.text).toBe(normaliseText(loaded.text));
      expect(loaded.text).toContain('Café');
      expect(JSON.parse(JSON.stringify(loaded.metadata ?? {}))).toEqual(loaded.metadata ?? {});
    });

    it('reads an empty document as an empty text', async () => {
      expect((await loader.load({ bytes: bytes('') })).text).toBe('');
    });
  },
);

describe('findLoader', () => {
  it.each([
    [{ mediaType: 'text/html', fileName: 'a.md' }, 'html'],
    [{ mediaType: 'application/octet-stream', fileName: 'a.md' }, 'markdown'],
    [{ fileName: 'a.htm' }, 'html'],
    [{ fileName: 'README' }, 'text'],
    [{ mediaType: 'text/csv', fileName: 'a.csv' }, 'text'],
    [{ mediaType: 'image/png', fileName: 'a.png' }, undefined],
    [{ mediaType: 'application/pdf' }, undefined],
  ])('%j → %s', (input, name) => {
    expect(findLoader({ bytes: bytes('some text'), ...input })?.name).toBe(name);
  });

  it('looks into the content where nothing is declared', () => {
    expect(findLoader({ bytes: bytes('<!-- x -->\n<!DOCTYPE html><p>Hi') })?.name).toBe('html');
    expect(findLoader({ bytes: bytes('a < b') })?.name).toBe('text');
    expect(findLoader({ bytes: bytes('%PDF-1.7\n') })).toBeUndefined();
    expect(findLoader({ bytes: binary, fileName: 'a.bin' })).toBeUndefined();
  });

  it('does not take long to recognise anything', () => {
    const start = performance.now();
    findLoader({ bytes: bytes('<!---->'.repeat(2000)) });
    findLoader({ bytes: bytes('<?xml '.repeat(2000)) });
    expect(performance.now() - start).toBeLessThan(500);
  });

  it('refuses two loaders for the same format, naming both', () => {
    const twice = () => new DocumentLoaderRegistry([new TextDocumentLoader(), new TextDocumentLoader()]);
    expect(twice).toThrow('Two document loaders, "text" and "text", claim the name "text".');
  });
});
