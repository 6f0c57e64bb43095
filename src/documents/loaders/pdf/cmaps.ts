/** The codes of an encoding in which East Asian PDFs are written, and what decodes them. */
interface Encoding {
  /** For `TextDecoder`; without one, the codes of two bytes are Unicode themselves. */
  label?: string;
  /** From the first to the last of each range of codes, in hexadecimal. */
  ranges: [string, string][];
  /** What turns a code into one that the decoder knows. */
  offset?: number;
}

const UTF16: Encoding = {
  ranges: [
    ['0000', 'd7ff'],
    ['d800dc00', 'dbffdfff'],
    ['e000', 'ffff'],
  ],
};
const LATIN: [string, string] = ['00', '80'];
const SEVEN_BIT: [string, string][] = [['2121', '7e7e']];

/** By the names that PDF gives to the ways of encoding, without the direction of writing at their ends. */
const ENCODINGS: [RegExp, Encoding][] = [
  [/^Uni\w+-UCS2(?:-HW)?$/, { ranges: [['0000', 'ffff']] }],
  [/^Uni\w+-UTF16$/, UTF16],
  [/^GB(?:K|Kp|pc|T|Tpc)?-EUC$/, { label: 'gbk', ranges: [LATIN, ['8140', 'fefe']] }],
  [/^GBK2K$/, { label: 'gb18030', ranges: [LATIN, ['8140', 'fefe'], ['81308130', 'fe39fe39']] }],
  [/RKSJ$/, { label: 'shift_jis', ranges: [LATIN, ['a0', 'df'], ['8140', '9ffc'], ['e040', 'fcfc']] }],
  [/^(?:78-)?EUC$/, { label: 'euc-jp', ranges: [LATIN, ['8ea0', '8edf'], ['a1a1', 'fefe']] }],
  [/^KSC(?:ms-UHC(?:-HW)?|pc-EUC|-EUC)$/, { label: 'euc-kr', ranges: [LATIN, ['8141', 'fefe']] }],
  [/B5(?:pc)?$/, { label: 'big5', ranges: [LATIN, ['8140', 'fefe']] }],
  [/^(?:78|Ext|Add)?$/, { label: 'euc-jp', ranges: SEVEN_BIT, offset: 0x8080 }],
  [/^GBT?$/, { label: 'gbk', ranges: SEVEN_BIT, offset: 0x8080 }],
  [/^KSC$/, { label: 'euc-kr', ranges: SEVEN_BIT, offset: 0x8080 }],
];

/**
 * Gives pdf.js the tables for East Asian encodings that it does not bring along. The real ones lead from codes to the
 * glyphs of a collection, and from there to characters. As only the characters matter, these take the characters
 * themselves for the glyphs.
 */
export class CharacterMaps {
  private isUsed = false;

  /** @throws {Error} for what is not known; text in such a font is left out */
  async fetch({ kind, filename }: { kind: string; filename: string }): Promise<Uint8Array> {
    const map = kind === 'cMapUrl' ? this.mapOf(filename) : undefined;
    if (map === undefined) throw new Error(`There is no ${filename}.`);
    return Buffer.from(map, 'latin1');
  }

  private mapOf(name: string): string | undefined {
    // fonts that number the glyphs themselves need the real table
    if (name.endsWith('-UCS2') && name.startsWith('Adobe-'))
      return this.isUsed ? section('bfrange', ['<0000> <ffff> <0000>']) : undefined;
    const [, base = '', direction] = /^(?:(.*)-)?([HV])$/.exec(name) ?? [];
    const encoding = direction && ENCODINGS.find(([pattern]) => pattern.test(base))?.[1];
    if (!encoding) return undefined;
    this.isUsed = true;
    const ranges = encoding.ranges.map(([first, last]) => `<${first}> <${last}>`);
    const mode = direction === 'V' ? '/WMode 1 def\n' : '';
    return mode + section('codespacerange', ranges) + characters(encoding);
  }
}

/** The characters that codes of one and two bytes stand for. */
function characters({ label, ranges, offset = 0 }: Encoding): string {
  const short = ranges.filter(([first]) => first.length <= 4);
  if (label === undefined)
    return section(
      'cidrange',
      short.map(([from, to]) => `<${from}> <${to}> ${parseInt(from, 16)}`),
    );
  const decoder = new TextDecoder(label);
  const entries: string[] = [];
  for (const [from, to] of short) {
    for (let code = parseInt(from, 16); code <= parseInt(to, 16); code++) {
      const sent = code + offset;
      const text = decoder.decode(Uint8Array.from(from.length === 2 ? [sent] : [sent >> 8, sent & 0xff]));
      const hex = code.toString(16).padStart(from.length, '0');
      if (text.length === 1 && text !== '\ufffd') entries.push(`<${hex}> ${text.charCodeAt(0)}`);
    }
  }
  return section('cidchar', entries);
}

function section(name: string, entries: readonly string[]): string {
  return `${entries.length} begin${name}\n${entries.join('\n')}\nend${name}\n`;
}
