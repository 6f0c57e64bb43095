/** Control words that stand for characters. Fractions and exponents of formulas are parted from what they belong to. */
export const CHARACTERS = new Map([
  ['line', '\n'],
  ['lbr', '\n'],
  ['page', '\n'],
  ['column', '\n'],
  ['tab', '\t'],
  ['emdash', '\u2014'],
  ['endash', '\u2013'],
  ['emspace', '\u2003'],
  ['enspace', '\u2002'],
  ['qmspace', '\u2005'],
  ['bullet', '\u2022'],
  ['lquote', '\u2018'],
  ['rquote', '\u2019'],
  ['ldblquote', '\u201c'],
  ['rdblquote', '\u201d'],
  ['zwj', '\u200d'],
  ['zwnj', '\u200c'],
  ['ltrmark', '\u200e'],
  ['rtlmark', '\u200f'],
  ['mden', '/'],
  ['msup', '^'],
  ['msub', '_'],
]);

/** Groups that hold no text of the document. */
const IGNORED = new Set(
  (
    'colortbl expandedcolortbl pict object nonshppict shprslt sp xe tc tcn rxe filetbl nonesttables mmathPict NeXTGraphic ' +
    'header headerl headerr headerf footer footerl footerr footerf ftnsep ftnsepc ftncn aftnsep aftnsepc aftncn ' +
    'listtable listoverridetable revtbl rsidtbl generator themedata colorschememapping datastore latentstyles ' +
    'pntxta pntxtb pnseclvl template userprops annotation atnid atnauthor atrfstart atrfend bkmkstart bkmkend ' +
    'background datafield fontemb fontfile falt panose xmlnstbl xmlopen private'
  ).split(' '),
);
/** Properties of a part of a formula. */
const FORMULA_PROPERTIES = /^m[A-Za-z]+Pr$/;

/** Groups that are read although they are marked as to be ignored by who does not know them. */
const KNOWN = new Set(
  'fldinst shpinst ud nesttableprops moMath moMathPara footnote listtext pntext shptxt'.split(' '),
);

/** True for a word that begins a group which is not read. */
export function isIgnored(word: string, isMarkedIgnorable: boolean): boolean {
  return IGNORED.has(word) || FORMULA_PROPERTIES.test(word) || (isMarkedIgnorable && !KNOWN.has(word));
}
