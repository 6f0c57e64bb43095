import { tableText } from '../table-text.js';
import { child, find, findAll, textOf, type XmlElement } from './xml.js';

/** Days between the first day of the calendar of spreadsheets, and of the one of computers. */
const EPOCH_DAYS = 25_569;
/** Days that the calendar of some spreadsheets begins later. */
const LATER_DAYS = 1462;
const DAY_MS = 86_400_000;
const LAST_DAY = 2_958_465;
/** A table of more numbers is cut: nobody can see them in a chart. */
const MOST_CELLS = 50_000;
const LONGEST_NAME = 100;

/** Values by their position. */
type Values = ReadonlyMap<number, string>;

interface Series {
  name: string;
  categories: Values;
  values: Values;
}

/** What a chart shows: its title, and its numbers as a table of categories and series. */
export function chartText(chartSpace: XmlElement): string {
  const chart = child(chartSpace, 'chart');
  const startsLater = isTrue(child(chartSpace, 'date1904'));
  const groups = new Map<string, Series[]>();
  for (const element of findAll(child(chart, 'plotArea'), 'ser')) {
    const series = readSeries(element, startsLater);
    const key = JSON.stringify([...series.categories.values()]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [series]);
    else group.push(series);
  }
  const title = titleText(child(chart, 'title'));
  return [title, ...[...groups.values()].map(groupText)].filter((part) => part !== '').join('\n\n');
}

function titleText(title: XmlElement | undefined): string {
  const paragraphs = findAll(child(title, 'tx'), 'p');
  const text = paragraphs.length > 0 ? paragraphs.map(textOf).join(' ') : textOf(find(title, 'v'));
  return text.replace(/\s+/g, ' ').trim();
}

function readSeries(series: XmlElement, startsLater: boolean): Series {
  return {
    name: textOf(find(child(series, 'tx'), 'v'))
      .slice(0, LONGEST_NAME)
      .trim(),
    categories: readValues(child(series, 'cat') ?? child(series, 'xVal'), startsLater),
    values: readValues(child(series, 'val') ?? child(series, 'yVal'), startsLater),
  };
}

/** The values that are kept in the chart; those of categories in several levels are joined. */
function readValues(source: XmlElement | undefined, startsLater: boolean): Values {
  const format = textOf(find(source, 'formatCode'));
  const isDate =
    find(source, 'numCache') !== undefined && /[dy]/i.test(format.replace(/"[^"]*"|\[[^\]]*\]/g, ''));
  const levels = findAll(source, 'lvl').reverse();
  const values = new Map<number, string>();
  for (const level of levels.length > 0 ? levels : [source]) {
    for (const point of findAll(level, 'pt')) {
      const at = Number(point.attributes['idx']);
      const raw = textOf(child(point, 'v')).trim();
      const value = isDate ? dateText(raw, startsLater) : numberText(raw, format);
      const above = values.get(at);
      if (Number.isSafeInteger(at)) values.set(at, above === undefined ? value : `${above} ${value}`);
    }
  }
  return values;
}

/** Series over the same categories, as one table. */
function groupText(group: readonly Series[]): string {
  const categories = group[0]?.categories ?? new Map<number, string>();
  const positions = new Set([...categories.keys(), ...group.flatMap(({ values }) => [...values.keys()])]);
  const names = ['', ...group.map(({ name }) => name)];
  const rows = [...positions]
    .sort((a, b) => a - b)
    .slice(0, Math.ceil(MOST_CELLS / names.length))
    .map((at) => [categories.get(at) ?? '', ...group.map(({ values }) => values.get(at) ?? '')]);
  return tableText([names, ...rows], true);
}

/** Numbers are kept as computers have them: 0.30000000000000004 is 0.3. */
function numberText(raw: string, format: string): string {
  if (!/^[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(raw)) return raw;
  const isPercentage = format.endsWith('%');
  const value = Number((Number(raw) * (isPercentage ? 100 : 1)).toPrecision(12));
  return Number.isFinite(value) ? `${value}${isPercentage ? '%' : ''}` : raw;
}

function dateText(raw: string, startsLater: boolean): string {
  const day = Number(raw) + (startsLater ? LATER_DAYS : 0);
  if (raw === '' || !(day >= 1 && day <= LAST_DAY)) return raw;
  return new Date((Math.floor(day) - EPOCH_DAYS) * DAY_MS).toISOString().slice(0, 10);
}

function isTrue(flag: XmlElement | undefined): boolean {
  return flag !== undefined && !/^(?:0|false|off)$/.test(flag.attributes['val'] ?? '1');
}
