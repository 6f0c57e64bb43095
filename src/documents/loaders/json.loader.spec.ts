import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normaliseText } from '../normalize.js';
import { JsonDocumentLoader } from './json.loader.js';
import { UnreadableDocumentError } from './loader.js';

const loader = new JsonDocumentLoader();
const load = (content: unknown) =>
  loader.load({ bytes: Buffer.from(typeof content === 'string' ? content : JSON.stringify(content)) });
const text = async (content: unknown) => (await load(content)).text;

const LONG = 'A sentence about ducks on the pond. '.repeat(10).trim();

describe('JsonDocumentLoader', () => {
  it('writes one paragraph a record, with the names of its fields', async () => {
    const records = [
      { id: 1, name: 'Ada', address: { city: 'Berlin', geo: { lat: 52.5 } }, tags: ['a', 'b'], gone: null },
      { id: 2, name: 'Bob', empty: '', none: [], items: [{ sku: 'x' }, { sku: 'y' }], active: true },
    ];
    const expected = [
      'id: 1; name: Ada; address.city: Berlin; address.geo.lat: 52.5; tags: a, b',
      'id: 2; name: Bob; items.1.sku: x; items.2.sku: y; active: true',
    ].join('\n\n');
    expect(await text(records)).toBe(expected);
    expect(await text(`${records.map((record) => JSON.stringify(record)).join('\r\n\n')}\n`)).toBe(expected);
  });

  it('keeps numbers as they are written, and members in their order', async () => {
    expect(await text('[{"b": 12345678901234567890, "2": 1.10, "1": 1e3, "a": -0.5E-7}]')).toBe(
      'b: 12345678901234567890; 2: 1.10; 1: 1e3; a: -0.5E-7',
    );
  });

  it('keeps what JavaScript has other uses for', async () => {
    expect(await text('[{"__proto__": "a", "constructor": "b", "a": 1, "a": 2}]')).toBe(
      '__proto__: a; constructor: b; a: 1; a: 2',
    );
  });

  it('writes an object as an outline', async () => {
    const { text: found, title } = await load({
      title: 'The  Handbook',
      version: 2,
      owner: { name: 'Ada', room: 7 },
      tags: ['x', 'y'],
      chapters: {
        first: {
          about: LONG.slice(0, 150),
          deeper: { one: { two: { three: LONG.slice(0, 150), four: 4 } } },
        },
      },
      people: [{ name: 'Bob' }, { name: 'Carl' }],
    });
    expect(title).toBe('The Handbook');
    expect(found).toBe(`# The Handbook

version: 2
owner.name: Ada; owner.room: 7
tags: x, y

## chapters

### first

about: ${LONG.slice(0, 150)}

#### deeper

one.two.three: ${LONG.slice(0, 150)}
one.two.four: 4

## people

name: Bob

name: Carl`);
  });

  it('begins an outline without a title at the first level', async () => {
    const { text: found, title } = await load({ name: { first: 'Ada' }, list: [{ a: 1 }, 2, [3, { b: 4 }]] });
    expect(found).toBe('name.first: Ada\n\n# list\n\na: 1\n\n2\n\n1: 3; 2.b: 4');
    expect(title).toBeUndefined();
  });

  it('keeps the paragraphs of a long text under the title of its record', async () => {
    const records = [
      { id: 1, title: 'Ducks', body: `# Head\n\nFirst.\n\n- item\n- item` },
      { source: { headline: 'Ponds', pageContent: LONG } },
      { id: 3, text: LONG, description: 'Two\nlines' },
      { id: 4, name: 'Short', text: 'Only a line.' },
      { id: 5, name: 'Web', html: '<h1>Page</h1><p>Some <b>bold</b>\n text</p>' },
    ];
    expect(await text(records)).toBe(`# Ducks

id: 1

## Head

First.

- item
- item

# Ponds

${LONG}

# Record 3

id: 3

## text

${LONG}

## description

Two
lines

id: 4; name: Short; text: Only a line.

# Web

id: 5

## Page

Some bold text`);
  });

  it('writes a long record as an outline', async () => {
    const record = {
      name: 'Big',
      ...Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`field ${at}`, LONG.slice(0, 60)])),
    };
    const found = await text([record]);
    expect(found).toMatch(/^# Big\n\nfield 0: A sentence.*\nfield 1: /);
  });

  it('writes rows of values as a table', async () => {
    expect(
      await text([
        ['name', 'size'],
        ['a', 1],
        ['b', 2],
      ]),
    ).toBe('| name | size |\n|---|---|\n| a | 1 |\n| b | 2 |');
  });

  it.each<[unknown, string]>([
    ['"A text."', 'A text.'],
    [['one', 'two'], 'one\n\ntwo'],
    [[[1, [2, 3]], {}], '1: 1; 2: 2, 3'],
    [{}, ''],
    ['', ''],
    [[{ a: '# no heading' }, '# none', { '# key': 1 }], 'a: # no heading\n\n\\# none\n\n\\# key: 1'],
    ['\ufeff{"a": "\\u00e9\\n\\ud83d\\ude00"}', '# a\n\né\n😀'],
  ])('writes %j', async (content, expected) => {
    expect(await text(content)).toBe(expected);
  });

  it.each<[string, string]>([
    ['{"a": 1,}', 'It is not valid JSON: there is an error in line 1, column 9.'],
    ['{\n  "a": tru\n}', 'It is not valid JSON: there is an error in line 2, column 8.'],
    ['[1, 2', 'It is not valid JSON: there is an error in line 1, column 6.'],
    ['[1}', 'It is not valid JSON: there is an error in line 1, column 3.'],
    ['{"a" 1}', 'It is not valid JSON: there is an error in line 1, column 6.'],
    ['{a: 1}', 'It is not valid JSON: there is an error in line 1, column 2.'],
    ['["a\nb"]', 'It is not valid JSON: there is an error in line 1, column 4.'],
    [String.raw`["\x"]`, 'It is not valid JSON: there is an error in line 1, column 2.'],
    ['["a', 'It is not valid JSON: there is an error in line 1, column 4.'],
    [String.raw`["a\"`, 'It is not valid JSON: there is an error in line 1, column 6.'],
    ['01', 'It is not valid JSON: there is an error in line 1, column 2.'],
    ['nope', 'It is not valid JSON: there is an error in line 1, column 1.'],
    [
      '{"a": 1}\n\n{"a": 2}\n{"a": }\n{"a": 4}',
      'It is not valid JSON Lines: there is an error in line 4, column 7.',
    ],
    ['['.repeat(100_000), 'Its JSON is nested more than 200 levels deep.'],
    [`[${'1,'.repeat(5_000_000)}1]`, 'Its JSON has more than 5000000 values.'],
  ])('refuses document %$ of those that are damaged or too large', async (content, message) => {
    await expect(load(content)).rejects.toThrow(new UnreadableDocumentError(message));
  });

  it('agrees with JSON.parse on what is valid, and writes every value', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.json({ maxDepth: 4 }),
        fc.nat(),
        fc.constantFrom('', ',', '"', '}', ' ', '\\', '1'),
        async (json, at, extra) => {
          const content = json.slice(0, at % (json.length + 1)) + extra + json.slice(at % (json.length + 1));
          const isValid = (() => {
            try {
              JSON.parse(content);
              return true;
            } catch {
              return false;
            }
          })();
          const loaded = await load(content).catch((error: unknown) => error);
          if (isValid)
            expect(loaded).toHaveProperty('text', normaliseText((loaded as { text: string }).text));
          else expect(loaded).toBeInstanceOf(UnreadableDocumentError);
        },
      ),
      { numRuns: 500 },
    );
    await fc.assert(
      fc.asyncProperty(fc.jsonValue({ maxDepth: 4 }), async (value) => {
        const found = await text(JSON.stringify(value));
        for (const [number] of JSON.stringify(value).matchAll(/(?<=[:[,])\d+\.\d+(?=[\],}])/g))
          expect(found).toContain(number);
      }),
      { numRuns: 200 },
    );
  });

  it('makes no huge text out of long names', async () => {
    const fields = Array.from({ length: 20_000 }, (_, at) => `"a${at}": ${at}`).join(',');
    const content = `{"${'k'.repeat(100_000)}": {"b": {"c": {"d": {"e": {${fields}}}}}}}`;
    expect((await text(content)).length).toBeLessThan(8 * content.length);
  });

  it.each<[string, boolean]>([
    ['{"a": 1}', true],
    [' \n[1, 2]', true],
    ['{"a": 1}\n{"a": 2}\n', true],
    ['\ufeff[]', true],
    ['"text"', false],
    ['[Note] This is text.', false],
    ['[1] This is text.', false],
    ['{"a": ', false],
    ['', false],
    [`[${'1,'.repeat(100_000)}1]`, false],
  ])('recognises JSON: %.30s', (content, expected) => {
    expect(loader.recognises(Buffer.from(content))).toBe(expected);
  });

  it('decodes by the media type', async () => {
    const bytes = Buffer.from('["\xcf\xf0\xe8"]', 'latin1');
    expect((await loader.load({ bytes, mediaType: 'application/json; charset=windows-1251' })).text).toBe(
      'При',
    );
  });
});
