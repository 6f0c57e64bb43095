import type { XmlElement } from '../office/xml.js';
import { countFrom, type ListLevel, type OpenDocumentStyles } from './styles.js';

interface OpenList {
  style: string;
  item: OpenItem | undefined;
}

interface OpenItem {
  /** The number that it is given, if that is not the next. */
  start: number | undefined;
  isHeader: boolean;
  /** Undefined before its first paragraph. */
  mark: string | undefined;
}

/** The mark of an item without a number. */
const BULLET = '-';

/** Where a paragraph stands in a list. */
interface ItemPosition {
  /** Of the list, from 0. */
  level: number;
  /** Its number, or empty for a bullet; undefined after the first paragraph of an item. */
  label: string | undefined;
}

/** A list that is nested deeper takes the marks of this level. */
const DEEPEST_LEVEL = 10;

/** Counts the items of lists, and the headings, as their styles say. */
export class ListCounter {
  #open: OpenList[] = [];
  /** By list style: how many items there were on each level so far. */
  readonly #counts = new Map<string, number[]>();
  readonly #headings: number[] = [];

  constructor(private readonly styles: OpenDocumentStyles) {}

  /** Reads what is inside a list. */
  inList(list: XmlElement, read: () => void): void {
    const {
      'style-name': own,
      'continue-numbering': continues,
      'continue-list': continued,
    } = list.attributes;
    const outer = this.#open.at(-1)?.style;
    const style = own ?? outer ?? '';
    if (style !== outer && continues !== 'true' && continued === undefined) this.#counts.delete(style);
    this.#open.push({ style, item: undefined });
    read();
    this.#open.pop();
  }

  /** Reads what is inside an item of the list. */
  inItem(item: XmlElement, read: () => void): void {
    const list = this.#open.at(-1);
    const start = countFrom(item.attributes['start-value']);
    if (list !== undefined) list.item = { start, isHeader: item.name === 'list-header', mark: undefined };
    read();
    if (list !== undefined) list.item = undefined;
  }

  /** Reads what stands apart from the list in which it is anchored, such as a text box. */
  apart(read: () => void): void {
    const open = this.#open;
    this.#open = [];
    read();
    this.#open = open;
  }

  /** The position of the paragraph that comes next, or undefined when it is in no list, or has no mark in it. */
  next(): ItemPosition | undefined {
    const list = this.#open.at(-1);
    const item = list?.item;
    if (list === undefined || item === undefined || item.isHeader) return undefined;
    const isFirst = item.mark === undefined;
    item.mark ??= this.#count(list.style, item.start);
    if (item.mark === '') return undefined;
    const label = item.mark === BULLET ? '' : item.mark;
    return { level: this.#open.length - 1, label: isFirst ? label : undefined };
  }

  /** The number of a heading that is in no list. */
  headingNumber(level: number, { attributes }: XmlElement): string {
    if (attributes['is-list-header'] === 'true' || level > DEEPEST_LEVEL) return '';
    const restarts = attributes['restart-numbering'] === 'true';
    const start = restarts ? (countFrom(attributes['start-value']) ?? 1) : undefined;
    return advance(this.#headings, level, (at) => this.styles.outlineLevel(at), start);
  }

  #count(style: string, start: number | undefined): string {
    const level = Math.min(this.#open.length, DEEPEST_LEVEL);
    if (this.styles.listLevel(style, level) === undefined) return BULLET;
    const counts = this.#counts.get(style) ?? [];
    this.#counts.set(style, counts);
    return advance(counts, level, (at) => this.styles.listLevel(style, at), start);
  }
}

/** Counts one more on a level, and returns its mark: `-` for a bullet, empty for a level without marks. */
function advance(
  counts: number[],
  level: number,
  levelAt: (level: number) => ListLevel | undefined,
  start?: number,
): string {
  const style = levelAt(level);
  // what is skipped on the levels above counts as there
  for (let at = 1; at < level; at++) counts[at - 1] ??= levelAt(at)?.start ?? 1;
  counts[level - 1] = start ?? (counts[level - 1] ?? (style?.start ?? 1) - 1) + 1;
  counts.length = level;
  if (style === undefined || style.format === '') return '';
  if (style.format === undefined) return BULLET;
  const numbers: string[] = [];
  for (let at = Math.max(1, level - style.shown + 1); at <= level; at++) {
    const format = levelAt(at)?.format ?? '';
    const number = formatNumber(counts[at - 1] ?? 1, format);
    if (number !== '') numbers.push(number);
  }
  return (style.prefix + numbers.join('.') + style.suffix).trim();
}

function formatNumber(number: number, format: string): string {
  if (format === '') return '';
  if (/^[aA]/.test(format)) return letterCase(letters(number), format);
  if (/^[iI]/.test(format)) return letterCase(roman(number), format);
  return String(number);
}

function letterCase(text: string, format: string): string {
  return /^[A-Z]/.test(format) ? text.toUpperCase() : text;
}

/** `a` to `z`, then `aa`, `ab` and so on. */
function letters(number: number): string {
  let text = '';
  for (let rest = number; rest > 0; rest = Math.floor((rest - 1) / 26)) {
    text = String.fromCharCode(97 + ((rest - 1) % 26)) + text;
  }
  return text;
}

const ROMAN: readonly (readonly [number, string])[] = [
  [1000, 'm'],
  [900, 'cm'],
  [500, 'd'],
  [400, 'cd'],
  [100, 'c'],
  [90, 'xc'],
  [50, 'l'],
  [40, 'xl'],
  [10, 'x'],
  [9, 'ix'],
  [5, 'v'],
  [4, 'iv'],
  [1, 'i'],
];

function roman(number: number): string {
  if (number < 1 || number >= 4000) return String(number);
  let rest = number;
  let text = '';
  for (const [value, sign] of ROMAN) {
    while (rest >= value) {
      text += sign;
      rest -= value;
    }
  }
  return text;
}
