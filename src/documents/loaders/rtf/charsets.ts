/** Code pages that are read by another name than `windows-` and their number. */
const CODE_PAGES = new Map([
  [708, 'iso-8859-6'],
  [866, 'ibm866'],
  [932, 'shift_jis'],
  [936, 'gbk'],
  [949, 'euc-kr'],
  [950, 'big5'],
  [10_000, 'macintosh'],
  [10_001, 'shift_jis'],
  [10_002, 'big5'],
  [10_003, 'euc-kr'],
  [10_007, 'x-mac-cyrillic'],
  [10_008, 'gbk'],
  [20_866, 'koi8-r'],
  [21_866, 'koi8-u'],
  [51_932, 'euc-jp'],
  [54_936, 'gb18030'],
  [65_001, 'utf-8'],
]);
/** The code pages of Windows that can be read. */
const WINDOWS = new Set([874, 1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258]);
/** The code pages that belong to the character sets of fonts. */
const FONT_CHARSETS = new Map([
  [0, 1252],
  [77, 10_000],
  [78, 10_001],
  [79, 10_003],
  [80, 10_008],
  [81, 10_002],
  [89, 10_007],
  [128, 932],
  [129, 949],
  [134, 936],
  [136, 950],
  [161, 1253],
  [162, 1254],
  [163, 1258],
  [177, 1255],
  [178, 1256],
  [186, 1257],
  [204, 1251],
  [222, 874],
  [238, 1250],
]);
/** The character set of fonts whose characters are signs. */
export const SYMBOL_CHARSET = 2;

/** The label of the encoding that a code page is. Those that cannot be read count as that of Western Europe. */
export function encodingOfCodePage(codePage: number): string {
  const isLatin = codePage > 28_590 && codePage < 28_606;
  const label = isLatin ? `iso-8859-${codePage - 28_590}` : CODE_PAGES.get(codePage);
  if (label !== undefined) return label === 'iso-8859-12' ? 'windows-1252' : label;
  return WINDOWS.has(codePage) ? `windows-${codePage}` : 'windows-1252';
}

/** The code page of a font's character set; undefined for that of the document. */
export function codePageOfCharset(charset: number): number | undefined {
  return FONT_CHARSETS.get(charset);
}

/** The characters of the font Symbol from 0x20 and from 0xa1; a space where it has none. */
const SYMBOL_LOW =
  ' !∀#∃%&∋()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_‾αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼';
const SYMBOL_HIGH =
  'ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…⏐⎯↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊〈®©™∑⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪ 〉∫⌠⎮⌡⎞⎟⎠⎤⎥⎦⎫⎬⎭';
/** The signs of the font Wingdings that say something. */
const WINGDINGS = new Map([
  [0x6f, '☐'],
  [0x6e, '■'],
  [0x71, '❑'],
  [0xa8, '☐'],
  [0xe0, '→'],
  [0xfb, '✗'],
  [0xfc, '✓'],
  [0xfd, '☒'],
  [0xfe, '☑'],
]);

/** The character that a byte is in a font of signs; empty for a sign that only decorates. */
export function symbolCharacter(fontName: string, byte: number): string {
  if (!/^symbol\b/i.test(fontName)) return byte === 0x20 ? ' ' : (WINGDINGS.get(byte) ?? '');
  return (byte < 0x80 ? SYMBOL_LOW.charAt(byte - 0x20) : SYMBOL_HIGH.charAt(byte - 0xa1)) || '';
}
