import { describe, expect, it } from 'vitest';
import { normaliseText } from '../normalize.js';
import { documentLoaders, findLoader, UnreadableDocumentError } from './index.js';
import { TextDocumentLoader } from './text.loader.js';
import { DocumentLoaderRegistry } from './registry.js';

const bytes = (text: string) => new TextEncoder().encode(text);
const binary = Uint8Array.from({ length: 4096 }, (_, at) => (at * 31) % 256);

const text = 'Cafe\u0301\r\n\r\n\r\n\r\n\r\nau  lait \r\n';
/** The same text as a document of formats in which it alone is none. */
const SAMPLES: Record<string, string> = {
  json: JSON.stringify([{ drink: text }]),
  email: `From: a@example.com\r\nSubject: x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n${text}`,
};

const textLoaders = documentLoaders.loaders.filter(({ isBinary }) => !isBinary);
const binaryLoaders = documentLoaders.loaders.filter(({ isBinary }) => isBinary);

describe.each(documentLoaders.loaders.map((loader) => [loader.name, loader] as const))(
  'the %s loader',
  (_, loader) => {
    it('refuses binary data of other formats, and does not take it for its own', async () => {
      await expect(loader.load({ bytes: binary })).rejects.toBeInstanceOf(UnreadableDocumentError);
      await expect(loader.load({ bytes: bytes('%PDF-1.7\n') })).rejects.toBeInstanceOf(
        UnreadableDocumentError,
      );
      await expect(loader.load({ bytes: bytes('PK\x03\x04') })).rejects.toBeInstanceOf(
        UnreadableDocumentError,
      );
      expect(loader.recognises(binary)).toBe(false);
    });
  },
);

describe.each(textLoaders.map((loader) => [loader.name, loader] as const))('the %s loader', (_, loader) => {
  it('is found by each of its media types and extensions', () => {
    for (const mediaType of loader.mediaTypes) {
      const input = { bytes: bytes(''), mediaType: `${mediaType.toUpperCase()}; charset=utf-8` };
      expect(findLoader(input)).toBe(loader);
    }
    for (const extension of loader.extensions) {
      const input = { bytes: bytes(''), fileName: `dir.x/Name.${extension.toUpperCase()}` };
      expect(findLoader(input)).toBe(loader);
    }
  });

  it('gives normalised text and metadata that JSON can hold', async () => {
    const loaded = await loader.load({ bytes: bytes(SAMPLES[loader.name] ?? text) });
    expect(loaded.text).toBe(normaliseText(loaded.text));
    expect(loaded.text).toContain('Café');
    expect(JSON.parse(JSON.stringify(loaded.metadata ?? {}))).toEqual(loaded.metadata ?? {});
  });

  it('reads an empty document as an empty text', async () => {
    expect((await loader.load({ bytes: bytes('') })).text).toBe('');
  });
});

describe.each(binaryLoaders.map((loader) => [loader.name, loader] as const))('the %s loader', (_, loader) => {
  it('refuses text and nothing, which it does not take for its own', async () => {
    for (const content of ['', text]) {
      await expect(loader.load({ bytes: bytes(content) })).rejects.toBeInstanceOf(UnreadableDocumentError);
      expect(loader.recognises(bytes(content))).toBe(false);
    }
  });
});

describe('findLoader', () => {
  it.each([
    [{ mediaType: 'text/html', fileName: 'a.md' }, 'html'],
    [{ mediaType: 'application/octet-stream', fileName: 'a.md' }, 'markdown'],
    [{ fileName: 'a.htm' }, 'html'],
    [{ fileName: 'README' }, 'text'],
    [{ mediaType: 'text/csv', fileName: 'a.csv' }, 'csv'],
    [{ mediaType: 'text/plain', fileName: 'a.csv' }, 'csv'],
    [{ mediaType: 'application/vnd.ms-excel', fileName: 'a.csv' }, 'csv'],
    [{ mediaType: 'text/plain' }, 'text'],
    [{ mediaType: 'image/png', fileName: 'a.png' }, undefined],
    [{ mediaType: 'application/pdf', fileName: 'a.pdf' }, 'text'],
  ])('%j → %s', (input, name) => {
    expect(findLoader({ bytes: bytes('some text'), ...input })?.name).toBe(name);
  });

  it('looks into the content where nothing is declared', () => {
    expect(findLoader({ bytes: bytes('<!-- x -->\n<!DOCTYPE html><p>Hi') })?.name).toBe('html');
    expect(findLoader({ bytes: bytes('a < b') })?.name).toBe('text');
    expect(findLoader({ bytes: bytes('%PDF-1.7\n'), mediaType: 'text/plain', fileName: 'a.txt' })?.name).toBe(
      'pdf',
    );
    expect(findLoader({ bytes: bytes('[{"a": 1}]') })?.name).toBe('json');
    expect(findLoader({ bytes: Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 13, 10]) })).toBeUndefined();
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
