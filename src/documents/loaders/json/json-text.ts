import { UnreadableDocumentError } from '../loader.js';

/** Objects nested deeper than this are written as JSON. */
const DEEPEST = 3;
/** A value that is longer, or has several lines, is a text of its own. */
const LONGEST_VALUE = 200;
const TITLES = ['title', 'name', 'subject', 'id'];

type JsonObject = Record<string, unknown>;

/**
 * A JSON value as text. A list is a record a paragraph, in which each value stands behind its name, so that every record
 * can be understood alone; records with longer texts become a section each. An object is an outline: its objects and
 * lists are sections, its other values lines.
 * @throws {UnreadableDocumentError} when it is nested too deeply
 */
export function jsonText(value: unknown): string {
  if (Array.isArray(value)) return value.map((item) => recordText(item, 2)).join('\n\n');
  return isObject(value) ? outline(value, 1) : scalarText(value);
}

function recordText(value: unknown, level: number): string {
  if (!isObject(value)) return Array.isArray(value) ? valueText(value) : scalarText(value);
  const entries = flatten(value, '', 0);
  const texts = entries.filter(([, text]) => isText(text));
  const line = entries
    .filter(([, text]) => !isText(text) && text !== '')
    .map(([name, text]) => `${name}: ${text}`)
    .join('; ');
  if (texts.length === 0) return line;
  const heading = entries.find(([name, text]) => TITLES.includes(name) && !isText(text) && text !== '')?.[1];
  return [
    heading === undefined ? '' : `${'#'.repeat(level)} ${heading}`,
    line,
    // a single text needs no name
    ...texts.map(([name, text]) => (texts.length === 1 ? text : `${name}:\n\n${text}`)),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function outline(value: JsonObject, level: number): string {
  const lines: string[] = [];
  const sections: string[] = [];
  for (const [name, item] of Object.entries(value)) {
    if (isObject(item) && level <= DEEPEST) sections.push(section(name, outline(item, level + 1), level));
    else if (isRecords(item)) {
      const records = item.map((record) => recordText(record, Math.min(level + 1, 6))).join('\n\n');
      sections.push(section(name, records, level));
    } else {
      const text = valueText(item);
      if (isText(text)) sections.push(section(name, text, level));
      else if (text !== '') lines.push(`${name}: ${text}`);
    }
  }
  return [lines.join('\n'), ...sections].filter((part) => part !== '').join('\n\n');
}

function section(name: string, text: string, level: number): string {
  return text === '' ? '' : `${'#'.repeat(level)} ${name}\n\n${text}`;
}

/** Names with dots, and what they stand for. */
function flatten(value: JsonObject, prefix: string, depth: number): [name: string, text: string][] {
  return Object.entries(value).flatMap(([key, item]): [string, string][] => {
    const name = prefix + key;
    return isObject(item) && depth < DEEPEST
      ? flatten(item, `${name}.`, depth + 1)
      : [[name, valueText(item)]];
  });
}

/** Lists of plain values are listed; what is nested deeper stays JSON. */
function valueText(value: unknown): string {
  if (Array.isArray(value) && value.every((item) => typeof item !== 'object' || item === null))
    return value.map(scalarText).join(', ');
  if (typeof value !== 'object' || value === null) return scalarText(value);
  try {
    return JSON.stringify(value);
  } catch {
    // deeper than the call stack
    throw new UnreadableDocumentError('It is nested too deeply.');
  }
}

function scalarText(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function isText(text: string): boolean {
  return text.length > LONGEST_VALUE || text.includes('\n');
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isRecords(value: unknown): value is unknown[] {
  return Array.isArray(value) && value.some((item) => isObject(item));
}
