import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normaliseText } from '../normalize.js';
import { UnreadableDocumentError } from './loader.js';
import { RtfDocumentLoader } from './rtf.loader.js';

const loader = new RtfDocumentLoader();
const load = (rtf: string) => loader.load({ bytes: Buffer.from(rtf, 'latin1') });
const text = async (body: string, head = String.raw`\ansi\ansicpg1252`) =>
  (await load(`{\\rtf1${head} ${body}}`)).text;
const { raw } = String;

const FONTS = raw`\ansi\ansicpg1252\deff0{\fonttbl{\f0\fcharset0 Arial;}{\f1\fcharset204 Arial CYR;}{\f2\fcharset128 MS Mincho;}{\f3\fcharset2 Symbol;}{\f4\fcharset2 Wingdings;}{\f5\fcharset136 MingLiU;}}`;
const STYLES = raw`{\stylesheet{\ql Normal;}{\s1 heading 1;}{\s2\outlinelevel1 Kapitel;}{\s3\sbasedon2 My chapter;}{\s4 Title;}{\s5\sbasedon4 Subtitle;}{\s6 Source Code;}{\*\cs10 Default Paragraph Font;}}`;

describe('RtfDocumentLoader', () => {
  it.each<[string, string, string]>([
    ['paragraphs', raw`One\par two\line three\par\par four`, 'One\n\ntwo\nthree\n\nfour'],
    ['line breaks of the file as nothing', 'a\r\nb\nc', 'abc'],
    [
      'special characters',
      raw`\ldblquote a\rdblquote\~\endash\emdash\bullet\lquote b\rquote\_c\-d`,
      '“a” –—•‘b’‑cd',
    ],
    ['escaped characters', raw`\{a\} \\ b`, String.raw`{a} \ b`],
    ['bytes of the code page', raw`Caf\'e9 \'80 \'zz`, 'Café € zz'],
    ['Unicode with a byte in place of it', raw`\u8364\'80\u8364 ?x`, '€€x'],
    ['Unicode with several in place of it', raw`{\uc2\u20320\'c4\'e3\u22909\'ba\'c3}\u233?`, '你好é'],
    ['Unicode with nothing in place of it', raw`\uc0\u10022 a\u-10179 \u-8704 b`, '✦a😀b'],
    ['no fallback across the end of a group', raw`{\u8364}x`, '€x'],
    ['Unicode before bytes of the fallback that are escaped', raw`{\uc1\u8217\}y}`, '’y'],
    ['binary data as nothing', raw`a{\pict\bin5 {}}\\}b\bin3 }{\c`, 'abc'],
    ['hidden and deleted text as nothing', raw`a{\v b}\v c\v0 d{\deleted e}\deleted f\plain g`, 'adg'],
    ['unknown groups that may be ignored as nothing', raw`a{\*\unknown b{c}\'7d\}}d{\unknown e}`, 'ade'],
    [
      'headers, footers and pictures as nothing',
      raw`{\header H}{\footerf F}a{\pict 00ff}{\object{\result R}}`,
      'a',
    ],
    ['fields as their result', raw`a {\field{\*\fldinst HYPERLINK "x"}{\fldrslt {b}}}`, 'a b'],
    ['marks of index entries as nothing', raw`a{\xe entry}{\tc toc}b`, 'ab'],
    ['notes in parentheses', raw`a{\footnote {\super\chftn} b\par c} d`, 'a (b c) d'],
    ['notes that may be ignored', raw`a{\*\footnote\pard b}`, 'a (b)'],
    ['notes within notes', raw`a{\footnote b{\footnote c}}`, 'a (bc)'],
    [
      'text boxes',
      raw`a{\shp{\*\shpinst{\sp{\sn n}{\sv v}}{\shptxt b\par c}}{\shprslt d}}e\par f`,
      'ae\n\nb\n\nc\n\nf',
    ],
    ['the Unicode form of a text', raw`{\upr{a?}{\*\ud{a\u8364}}}`, 'a€'],
    ['formulas', raw`{\mmath{\*\moMath{\mf{\mfPr{\mtype bar}}{\mnum{\mr a}}{\mden{\mr b}}}}}`, 'a/b'],
    ['what is cut off', raw`a{\b b{\i c`, 'abc'],
  ])('reads %s', async (_, body, expected) => {
    expect(await text(body)).toBe(expected);
  });

  it.each<[string, string, string]>([
    ['a font', raw`\'e9\f1\'e9\f0\'e9`, 'éйé'],
    ['a font in a group', raw`{\f1\'cf\'f0\'e8}\plain\'cf`, 'ПриÏ'],
    ['two bytes a character', raw`\f2\'93\'fa\'96\'7b`, '日本'],
    ['a second byte that is written as it is', raw`\f2\'83A\'83\\`, 'アソ'],
    ['the font Symbol', raw`\f3 ab\'b3\'b7`, 'αβ≥•'],
    ['signs of other fonts', raw`\f4\'fc\u-3843\'fd J`, '✓☒'],
    ['Big5', raw`\f5\'b4\'fa\'b8\'d5`, '測試'],
  ])('reads text in the encoding of %s', async (_, body, expected) => {
    expect(await text(body, FONTS)).toBe(expected);
  });

  it.each<[string, string]>([
    [raw`\ansi\ansicpg1251`, 'й'],
    [raw`\mac`, 'È'],
    [raw`\ansi\ansicpg28592`, 'é'],
    [raw`\ansi\ansicpg99999`, 'é'],
    [raw`\ansi\ansicpg65001`, '\ufffd'],
  ])('reads the code page %s', async (head, expected) => {
    expect(await text(raw`\'e9`, head)).toBe(expected);
  });

  it('reads headings by the names of styles and their levels', async () => {
    const body = raw`${STYLES}{\pard\s4 T\par}{\pard\s5 Sub\par}\pard\s1 A\par\pard\s2 B\par\pard\s3 C\par\pard\outlinelevel4 D\par\pard\s1\outlinelevel9 E`;
    expect(await text(body)).toBe('# T\n\nSub\n\n# A\n\n## B\n\n## C\n\n##### D\n\nE');
  });

  it('keeps notes and numbers of headings apart from their names', async () => {
    const body = raw`${STYLES}\pard\s1{\listtext 1.2\tab}A{\footnote n}\par`;
    expect(await text(body)).toBe('# 1.2 A\n\n(n)');
  });

  it('reads code', async () => {
    const body = raw`${STYLES}\pard\s6 if (a) \{\par   b();\par\par \}\par\pard c`;
    expect(await text(body)).toBe('```\nif (a) {\n  b();\n\n}\n```\n\nc');
  });

  it('reads lists', async () => {
    const body = raw`\pard{\listtext\f3\'b7\tab}\ls1 a\par{\listtext o\tab}\ilvl1 b\line c\par\pard{\pntext 1.\tab}d\par{\*\pn{\pntxta .}}{\pntext (b)\tab}e\par\pard f`;
    expect(await text(body, FONTS)).toBe('- a\n  - b\n    c\n1. d\n- (b) e\n\nf');
  });

  it('leaves out tables of contents', async () => {
    expect(await text(raw`a{\field{\*\fldinst { TOC \\o}}{\fldrslt b\par c}}\par d`)).toBe('a\n\nd');
  });

  it('takes lines for paragraphs only where an empty one parts them', async () => {
    const body =
      "a\\\nb\\\n\\\nc\\\n{\\listtext\t\\'95\t}d\\\n{\\listtext\t\\'95\t}e\\\n\\pard f\\\r\\pard g";
    expect(await text(body)).toBe('a\nb\n\nc\n\n- d\n- e\n\nf\n\ng');
  });

  it('reads tables', async () => {
    const body = raw`a\par\trowd\trhdr\cellx1\cellx2\pard\intbl 1\cell 2|\par 3\cell\row\pard\intbl 4\cell\cell\row\pard b`;
    expect(await text(body)).toBe('a\n\n| 1 | 2\\| 3 |\n|---|---|\n| 4 |  |\n\nb');
  });

  it('parts tables that a paragraph parts', async () => {
    const row = raw`\trowd\pard\intbl a\cell b\cell\row`;
    expect(await text(raw`${row}\pard\par${row}`)).toBe('| a | b |\n|---|---|\n\n| a | b |\n|---|---|');
  });

  it('puts cells in their columns, and repeats those that reach down', async () => {
    const body = raw`\trowd\cellx1000\cellx2000\cellx3000\intbl a\cell b\cell c\cell\row
      \trowd\clvmgf\cellx1010\cellx3000 d\cell e\cell\row
      \trowd\clvmrg\cellx1000\cellx2000\cellx3000\cell f\cell g\cell\row`.replaceAll(/\s{2,}/g, '');
    expect(await text(body)).toBe('| a | b | c |\n|---|---|---|\n| d | e |  |\n| d | f | g |');
  });

  it('reads tables in tables', async () => {
    const body = raw`\trowd\cellx9\pard\intbl a\par\pard\intbl\itap2 b\nestcell c\nestcell{\*\nesttableprops\trowd\cellx1\cellx2\nestrow}{\nonesttables\par}\pard\intbl d\cell e\cell\row\pard f`;
    expect(await text(body)).toBe('a\n\n| b | c |\n|---|---|\n\nd\n\ne\n\nf');
  });

  it('reads what the document says about itself', async () => {
    const info = raw`{\info{\title A \'e9}{\author B}{\author C}{\subject S}{\keywords k}{\doccomm D}{\operator O}{\creatim\yr2021\mo3\dy4\hr5\min6}{\revtim\yr0}}`;
    expect(await load(raw`{\rtf1\ansi${info}${STYLES}\pard\s1 H\par}`)).toEqual({
      text: '# H',
      title: 'A é',
      metadata: {
        author: 'B',
        subject: 'S',
        keywords: 'k',
        description: 'D',
        created: '2021-03-04T05:06:00',
      },
    });
  });

  it('takes the first heading for the title where there is none', async () => {
    const document = await load(raw`{\rtf1{\info{\title Untitled}}${STYLES}x\par\pard\s1 H\par}`);
    expect(document).toMatchObject({ text: 'x\n\n# H', title: 'H', metadata: {} });
  });

  it('recognises rich text', async () => {
    expect(loader.recognises(Buffer.from(raw`{\rtf1 a}`))).toBe(true);
    expect(loader.recognises(Buffer.from('{"rtf":1}'))).toBe(false);
    expect(loader.recognises(Buffer.of())).toBe(false);
    await expect(load('text')).rejects.toThrow(UnreadableDocumentError);
  });

  it('refuses groups that are nested too deeply, and skips those that are ignored', async () => {
    await expect(text('{'.repeat(100_000))).rejects.toThrow(UnreadableDocumentError);
    expect(await text(`a{\\pict ${'{'.repeat(100_000)}${'}'.repeat(100_000)}}b`)).toBe('ab');
  });

  it('reads back any text that was written as rich text', async () => {
    // code units, so that there are halves of characters too
    const unit = fc.oneof(fc.integer({ min: 0, max: 0x7f }), fc.integer({ min: 0x80, max: 0xffff }));
    const paragraph = fc.array(unit, { maxLength: 20 }).map((units) => String.fromCharCode(...units));
    await fc.assert(
      fc.asyncProperty(fc.array(paragraph), async (paragraphs) => {
        const written = paragraphs.map((each) => [...escapeUnits(each)].join('')).join(raw`\par `);
        const kept = paragraphs.map((each) => normaliseText(each.replace(/\s+/g, ' ')));
        const expected = normaliseText(kept.filter((each) => each !== '').join('\n\n'));
        expect((await text(written)).replace(/\s+/g, ' ')).toBe(expected.replace(/\s+/g, ' '));
      }),
    );
  });

  it('reads anything that begins as rich text', async () => {
    const pieces = fc.constantFrom(
      ...raw`{ } \par \cell \row \trowd \intbl \itap2 \nestcell \nestrow \u8364 \'83 \* \footnote \shptxt \listtext
        \fonttbl \stylesheet \info \title \field \fldinst \fldrslt \upr \s1 \f1 \pard \v \uc9 \bin2 \clvmrg \cellx9`.split(
        /\s+/,
      ),
      'text',
      '\\\n',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(pieces, { maxLength: 60 }), async (parts) => {
        const { text: read } = await load(`{\\rtf1${parts.join(' ')}`);
        expect(read).toBe(normaliseText(read));
      }),
      { numRuns: 300 },
    );
  });
});

/** A text as rich text: letters as they are, everything else by its code. */
function* escapeUnits(word: string): Generator<string> {
  for (let at = 0; at < word.length; at++) {
    const unit = word.charCodeAt(at);
    const character = word.charAt(at);
    if (/[{}\\]/.test(character)) yield `\\${character}`;
    else if (unit >= 0x20 && unit < 0x7f) yield character;
    else yield `\\u${unit > 0x7fff ? unit - 0x10000 : unit}?`;
  }
}
