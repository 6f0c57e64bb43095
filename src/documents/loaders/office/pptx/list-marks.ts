import { formatNumber } from '../number-format.js';
import { child, type XmlElement } from '../xml.js';

/** How the paragraphs of a level are marked: not at all, with a bullet, or with numbers. */
export type ListMark =
  { kind: 'none' } | { kind: 'bullet' } | { kind: 'number'; style: string; start: number };

const NONE: ListMark = { kind: 'none' };
const BULLET: ListMark = { kind: 'bullet' };
const LARGEST_START = 32_767;
/** `alphaLcParenR`: letters, lower case, a parenthesis on the right. */
const NUMBER_STYLE = /^(arabic|alphaLc|alphaUc|romanLc|romanUc).*?(Period|ParenR|ParenBoth|Plain)$/;
const FORMATS = new Map([
  ['alphaLc', 'lowerLetter'],
  ['alphaUc', 'upperLetter'],
  ['romanLc', 'lowerRoman'],
  ['romanUc', 'upperRoman'],
]);

/** The mark that paragraph properties set, undefined where they leave it to others. */
export function ownMark(properties: XmlElement | undefined): ListMark | undefined {
  if (child(properties, 'buNone') !== undefined) return NONE;
  const numbered = child(properties, 'buAutoNum')?.attributes;
  if (numbered !== undefined) {
    const start = Number(numbered['startAt'] ?? 1);
    const isSensible = Number.isSafeInteger(start) && start >= 1 && start <= LARGEST_START;
    return { kind: 'number', style: numbered['type'] ?? '', start: isSensible ? start : 1 };
  }
  const hasBullet = child(properties, 'buChar') !== undefined || child(properties, 'buBlip') !== undefined;
  return hasBullet ? BULLET : undefined;
}

/** The mark of a level: what the first of the list styles says that says anything. */
export function inheritedMark(listStyles: readonly (XmlElement | undefined)[], level: number): ListMark {
  for (const style of listStyles) {
    const mark = ownMark(child(style, `lvl${level + 1}pPr`));
    if (mark !== undefined) return mark;
  }
  return NONE;
}

/** Counts the numbered paragraphs of one text. */
export class ListCounter {
  readonly #counts: (number | undefined)[] = [];

  /** The label of the next paragraph; empty for one without a number. */
  next(level: number, mark: ListMark): string {
    if (mark.kind !== 'number') {
      // what stands between two lists begins the second one anew
      this.#counts.length = Math.min(this.#counts.length, level);
      return '';
    }
    const count = (this.#counts[level] ?? mark.start - 1) + 1;
    this.#counts.length = level;
    this.#counts[level] = count;
    return labelOf(count, mark.style);
  }
}

function labelOf(count: number, style: string): string {
  const [, letters = '', sign = 'Period'] = NUMBER_STYLE.exec(style) ?? [];
  const number = formatNumber(count, FORMATS.get(letters) ?? 'decimal');
  if (sign === 'ParenBoth') return `(${number})`;
  if (sign === 'ParenR') return `${number})`;
  return sign === 'Plain' ? number : `${number}.`;
}
