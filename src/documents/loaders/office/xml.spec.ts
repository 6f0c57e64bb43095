import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UnreadableDocumentError } from '../loader.js';
import { child, elements, find, findAll, parseXml, textOf } from './xml.js';

const parse = (xml: string) => parseXml(new TextEncoder().encode(xml));
const damaged = new UnreadableDocumentError('Its XML is damaged.');

describe('parseXml', () => {
  it('gives elements, attributes and texts without the prefixes of names', () => {
    expect(parse('<w:p w:id="1" xml:space="preserve">a<b/>c &amp; &#x64;</w:p>')).toEqual({
      name: 'p',
      attributes: { id: '1', space: 'preserve' },
      children: ['a', { name: 'b', attributes: {}, children: [] }, 'c & d'],
    });
  });

  it('keeps attributes apart that differ only in their prefix', () => {
    expect(parse('<s id="256" r:id="rId2"/>').attributes).toEqual({ id: '256', 'r:id': 'rId2' });
    expect(parse('<s r:id="rId2" id="256"/>').attributes).toEqual({ id: '256', ':id': 'rId2' });
  });

  it('knows no attributes but those that are there', () => {
    const { attributes } = parse('<a constructor="x" __proto__="y"/>');
    expect(attributes['constructor']).toBe('x');
    expect(Object.getPrototypeOf(attributes)).toBe(Object.prototype);
    expect(Object.keys(parse('<a/>').attributes)).toEqual([]);
  });

  it('takes CDATA for text, and leaves comments and instructions out', () => {
    expect(textOf(parse('<a>x<![CDATA[<b> & ]]>y<!-- no --><?no no?></a>'))).toBe('x<b> & y');
  });

  it('reads the encodings that XML comes in', () => {
    const xml = '<?xml version="1.0" encoding="ENC"?><a>Ä</a>';
    const utf16 = Buffer.from(xml.replace('ENC', 'UTF-16'), 'utf16le');
    expect(textOf(parseXml(utf16))).toBe('Ä');
    expect(textOf(parseXml(Buffer.concat([Buffer.from([0xff, 0xfe]), utf16])))).toBe('Ä');
    expect(textOf(parseXml(Buffer.from(utf16).swap16()))).toBe('Ä');
    expect(textOf(parse(xml.replace('ENC', 'UTF-16')))).toBe('Ä');
    expect(textOf(parseXml(Buffer.from(xml.replace('ENC', 'iso-8859-5'), 'latin1')))).toBe('Ф');
    expect(textOf(parse(`\ufeff${xml.replace('ENC', 'utf-8')}`))).toBe('Ä');
  });

  it('expands no entities that the document declares', () => {
    const laughs = Array.from({ length: 20 }, (_, at) => `<!ENTITY l${at + 1} "&l${at};&l${at};">`).join('');
    expect(() => parse(`<!DOCTYPE a [<!ENTITY l0 "ha">${laughs}]><a>&l20;</a>`)).toThrow(damaged);
    expect(() => parse('<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/hostname">]><a>&f;</a>')).toThrow(
      damaged,
    );
    expect(textOf(parse('<!DOCTYPE a [<!ENTITY l "ha">]><a>x</a>'))).toBe('x');
  });

  it('refuses deep nesting', () => {
    expect(textOf(parse(`${'<a>'.repeat(500)}x${'</a>'.repeat(500)}`))).toBe('x');
    expect(() => parse('<a>'.repeat(501))).toThrow('Its XML is nested too deeply.');
  });

  it.each([
    '',
    ' ',
    'text',
    '<a>',
    '<a></b>',
    '<a b></a>',
    '<a>&x;</a>',
    '<a>&#0;</a>',
    '<a/><b/>',
    '<a>\0</a>',
  ])('takes %j for damaged', (xml) => {
    expect(() => parse(xml)).toThrow(damaged);
  });

  it('makes nothing but readable errors of anything', () => {
    const pieces = fc.constantFrom('<a', '<a>', '</a>', '/>', ' b="', '"', '<![CDATA[', ']]>', '<!--', '-->');
    const others = fc.constantFrom(
      '<!DOCTYPE',
      '[',
      ']',
      '<?xml',
      '?>',
      '&#x110000;',
      '&amp;',
      '&',
      'x',
      '\ud800',
      '\0',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, others), { maxLength: 12 }), (parts) => {
        try {
          parse(parts.join(''));
        } catch (error) {
          expect(error).toBeInstanceOf(UnreadableDocumentError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('looking into elements', () => {
  const root = parse('<r><a>1<b>2</b></a><c><a>3<a>4</a></a></c><b>5</b></r>');

  it('finds children and descendants', () => {
    expect(elements(root).map(({ name }) => name)).toEqual(['a', 'c', 'b']);
    expect(elements(root, 'a').map(textOf)).toEqual(['12']);
    expect(elements(undefined)).toEqual([]);
    expect(textOf(child(root, 'b'))).toBe('5');
    expect(child(root, 'x')).toBeUndefined();
    expect(textOf(find(root, 'b'))).toBe('2');
    expect(find(root, 'x')).toBeUndefined();
    expect(findAll(root, 'a').map(textOf)).toEqual(['12', '34']);
    expect(textOf(root)).toBe('12345');
    expect(textOf(undefined)).toBe('');
  });
});
