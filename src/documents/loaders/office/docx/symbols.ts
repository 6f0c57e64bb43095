/** The letters of the font Symbol that stand where the Latin ones do in other fonts, and some of its signs. */
const SYMBOL_CAPITALS = 'ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ';
const SYMBOL_LETTERS = 'αβχδεφγηιϕκλμνοπθρστυϖωξψζ';
const SYMBOL_SIGNS = new Map([
  [0xa3, '≤'],
  [0xa5, '∞'],
  [0xae, '→'],
  [0xb0, '°'],
  [0xb1, '±'],
  [0xb3, '≥'],
  [0xb4, '×'],
  [0xb7, '•'],
  [0xb9, '≠'],
  [0xbb, '≈'],
  [0xd5, '∏'],
  [0xd6, '√'],
  [0xe5, '∑'],
  [0xf2, '∫'],
]);
/** Signs of the fonts Wingdings that mean something in a text. */
const WINGDINGS = new Map([
  [0x6f, '[ ]'],
  [0xa8, '[ ]'],
  [0xdf, '←'],
  [0xe0, '→'],
  [0xfb, '✗'],
  [0xfc, '✓'],
  [0xfd, '[x]'],
  [0xfe, '[x]'],
]);
const WINGDINGS_2 = new Map([
  [0x50, '✓'],
  [0x51, '[x]'],
  [0x52, '[x]'],
  [0xa3, '[ ]'],
]);

/** What a character of a font of symbols looks like in Unicode; nothing when it only decorates. */
export function symbolText(font: string, code: number): string {
  // fonts of symbols keep theirs where Unicode has private characters
  const at = code >= 0xf000 && code <= 0xf0ff ? code - 0xf000 : code;
  const name = font.toLowerCase();
  if (name === 'symbol') return symbolFontText(at);
  if (name === 'wingdings') return WINGDINGS.get(at) ?? '';
  if (name === 'wingdings 2') return WINGDINGS_2.get(at) ?? '';
  const isPrivate = code >= 0xe000 && code <= 0xf8ff;
  return isPrivate || code > 0x10_ffff ? '' : String.fromCodePoint(code);
}

function symbolFontText(at: number): string {
  if (at >= 0x41 && at <= 0x5a) return SYMBOL_CAPITALS.charAt(at - 0x41);
  if (at >= 0x61 && at <= 0x7a) return SYMBOL_LETTERS.charAt(at - 0x61);
  return SYMBOL_SIGNS.get(at) ?? (at >= 0x20 && at < 0x7f ? String.fromCodePoint(at) : '');
}
