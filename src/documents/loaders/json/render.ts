import { normaliseText } from '../../normalize.js';
import { lowerHeadings } from '../headings.js';
import { htmlText } from '../html.loader.js';
import { titleFrom } from '../loader.js';
import { oneLine, paragraph, tableText } from '../table-text.js';
import { JsonObject, type JsonValue } from './parse.js';
import { type Field, fieldLine, fieldsOf, isList, isSmall, type NameBudget } from './records.js';

/** Names of fields that hold a text to be read, if it is long. */
const TEXT_NAME =
  /(?:text|content|body|markdown|html|description|abstract|article|transcript|answer|message)$/i;
const TITLE_NAMES = ['title', 'name', 'headline', 'subject', 'label'];
/** A shorter text without line breaks is a value as any other. */
const SHORTEST_TEXT = 300;
const LONGEST_TITLE = 200;
/** A record is one paragraph; one that is longer is an outline. */
const LONGEST_RECORD = 1500;
/** A small object stands on one line of its parent. */
const LONGEST_INLINE = 120;
/** Deeper objects get no headings of their own, and stand on lines. */
const DEEPEST_HEADING = 4;
const MOST_NAME_CHARACTERS = 100_000_000;

/** The title of a document: what its outermost object names so. */
export function titleOf(value: JsonValue): string | undefined {
  return value instanceof JsonObject ? titleFrom(ownTitle(value)) : undefined;
}

/** A document as text for the chunker. */
export function renderJson(value: JsonValue): string {
  const title = titleOf(value);
  const content = new JsonRenderer().render(value, title === undefined ? 1 : 2);
  return title === undefined ? content : joined([`# ${title}`, content]);
}

class JsonRenderer {
  readonly #names: NameBudget = { left: MOST_NAME_CHARACTERS };

  /** @param level of the headings that may be written */
  render(value: JsonValue, level: number): string {
    if (typeof value === 'string') return readable(value, level);
    if (value instanceof JsonObject) return this.#outline(value, level, ownTitle(value));
    if (value.every(isRow)) return table(value);
    return joined(value.map((item, index) => this.#item(item, level, index)));
  }

  #item(item: JsonValue, level: number, index: number): string {
    if (item instanceof JsonObject) return this.#record(item, level, index);
    return typeof item === 'string' ? readable(item, level) : paragraph(fieldLine(this.#fields(item)));
  }

  /** A record that makes sense alone: on one line if it is small, else in a section of its own. */
  #record(record: JsonObject, level: number, index: number): string {
    const fields = this.#fields(record);
    const texts = fields.filter(isText);
    const others = texts.length === 0 ? fields : fields.filter((field) => !isText(field));
    const line = fieldLine(others);
    if (texts.length === 0 && line.length <= LONGEST_RECORD) return paragraph(line);
    const title = TITLE_NAMES.map((name) => others.find((field) => field.name === name)).find(isTitle);
    const heading = headingLine(level, title?.value ?? `Record ${index + 1}`);
    if (line.length > LONGEST_RECORD)
      return joined([heading, this.#outline(record, level + 1, title?.value)]);
    const rest = paragraph(fieldLine(others.filter((field) => field !== title)));
    const contents = texts.map(({ path, value }) =>
      texts.length === 1
        ? readable(value, level + 1)
        : joined([headingLine(level + 1, path), readable(value, level + 2)]),
    );
    return joined([heading, rest, ...contents]);
  }

  /** An object: its short values on lines, then all else under headings. */
  #outline(object: JsonObject, level: number, title: string | undefined): string {
    const lines: string[] = [];
    const sections: string[] = [];
    object.keys.forEach((key, index) => {
      const value = object.values[index] ?? '';
      if (value === title && TITLE_NAMES.includes(key)) return;
      if (isInline(value)) lines.push(paragraph(fieldLine(this.#fields(value, key))));
      else if (level > DEEPEST_HEADING)
        lines.push(...this.#fields(value, key).map((field) => paragraph(fieldLine([field]))));
      else sections.push(joined([headingLine(level, key), this.render(value, level + 1)]));
    });
    return joined([lines.filter((line) => line !== '').join('\n'), ...sections]);
  }

  #fields(value: JsonValue, name = ''): Field[] {
    return fieldsOf(value, name, this.#names);
  }
}

function isInline(value: JsonValue): boolean {
  if (typeof value === 'string') return !isLong(value);
  return isList(value) || (value instanceof JsonObject && isSmall(value, LONGEST_INLINE));
}

/** A text as it is, with its paragraphs; its own headings go below the one it stands under. */
function readable(text: string, level: number): string {
  if (!isLong(text)) return paragraph(oneLine(text));
  const isHtml = /^\s*<[a-z!][^>]*>/i.test(text) && text.includes('</');
  return lowerHeadings(isHtml ? htmlText(text) : normaliseText(text), level - 1);
}

function table(rows: readonly (readonly string[])[]): string {
  const [first = [], ...others] = rows;
  return tableText(rows, first.every(isWord) && others.some((row) => !row.every(isWord)));
}

function isRow(value: JsonValue): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isWord(cell: string): boolean {
  return cell !== '' && Number.isNaN(Number(cell));
}

function isText({ name, value }: Field): boolean {
  return TEXT_NAME.test(name) && isLong(value);
}

function isLong(text: string): boolean {
  return text.length >= SHORTEST_TEXT || text.trim().includes('\n');
}

function isTitle(field: Field | undefined): field is Field {
  return field !== undefined && field.value.length <= LONGEST_TITLE;
}

function ownTitle({ keys, values }: JsonObject): string | undefined {
  return ['title', 'name']
    .map((name) => values[keys.indexOf(name)])
    .find((value) => typeof value === 'string' && value !== '' && value.length <= LONGEST_TITLE) as
    string | undefined;
}

function headingLine(level: number, title: string): string {
  const line = oneLine(title).slice(0, LONGEST_TITLE);
  return line === '' ? '' : `${'#'.repeat(Math.min(level, 6))} ${line}`;
}

function joined(parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('\n\n');
}
