import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonDocumentLoader } from './json.loader.js';
import { UnreadableDocumentError } from './loader.js';

const loader = new JsonDocumentLoader();
const load = (text: string) => loader.load({ bytes: Buffer.from(text) });
const textOf = async (value: unknown): Promise<string> => (await load(JSON.stringify(value))).text;

describe('JsonDocumentLoader', () => {
  it('makes a paragraph of each record of a list', async () => {
    const people = [
      { name: 'Ada', address: { city: 'London' }, tags: ['a', 'b'], left: null },
      { name: 'Bob', address: { city: 'Bonn' }, age: 4, isHere: false },
    ];
    expect(await textOf(people)).toBe(
      'name: Ada; address.city: London; tags: a, b\n\nname: Bob; address.city: Bonn; age: 4; isHere: false',
    );
  });

  it('makes a section of a record with a long text', async () => {
    const text = 'First paragraph.\n\nSecond paragraph.';
    expect(await textOf([{ title: 'Keys', year: 2026, body: text }])).toBe(
      `## Keys\n\ntitle: Keys; year: 2026\n\n${text}`,
    );
  });

  it('makes an outline of an object, with its title', async () => {
    const loaded = await load(
      JSON.stringify({
        title: 'Rules',
        version: 2,
        travel: { allowance: '47 euros', desk: { name: 'Aurora' } },
        list: [{ a: 1 }],
      }),
    );
    expect(loaded.title).toBe('Rules');
    expect(loaded.text).toBe(
      'title: Rules\nversion: 2\n\n# travel\n\nallowance: 47 euros\n\n## desk\n\nname: Aurora\n\n# list\n\na: 1',
    );
  });

  it('reads JSON Lines, and names a line that is none', async () => {
    expect((await load('{"a":1}\n\n{"a":"x y"}\n')).text).toBe('a: 1\n\na: x y');
    await expect(load('{"a":1}\n{"a":\n')).rejects.toThrow('Its line 2 is not valid JSON.');
  });

  it('says where it stops being JSON', async () => {
    await expect(load('{\n"a": 1,\n"b" 2}')).rejects.toThrow('It is not valid JSON: the error is in line 3.');
    await expect(load('nonsense')).rejects.toThrow(UnreadableDocumentError);
  });

  it('recognises JSON by its content', () => {
    expect(loader.recognises(Buffer.from(' [1, 2]'))).toBe(true);
    expect(loader.recognises(Buffer.from('[a link](x)'))).toBe(false);
    expect(loader.recognises(Buffer.from('12'))).toBe(false);
  });

  it('keeps what is deep, and refuses what is too deep', async () => {
    const nested = (levels: number): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
    expect((await load(nested(50))).text).toContain('"a":1');
    await expect(load(nested(100_000))).rejects.toThrow(UnreadableDocumentError);
  });

  it('loses no text of any value', async () => {
    const word = fc.stringMatching(/^[a-z]{3,12}$/);
    const value = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        word,
        fc.integer(),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(word, tie('value'), { maxKeys: 4 }),
      ),
    })).value;
    const leaves = (item: unknown): string[] =>
      typeof item === 'object' && item !== null ? Object.values(item).flatMap(leaves) : [String(item)];
    await fc.assert(
      fc.asyncProperty(value, async (item) => {
        const text = await textOf(item);
        for (const leaf of leaves(item)) expect(text).toContain(leaf);
      }),
    );
  });
});
