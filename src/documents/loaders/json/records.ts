import { oneLine, recordLine } from '../table-text.js';
import { JsonObject, type JsonValue } from './parse.js';

/** A value inside a record, with the names that lead to it. */
export interface Field {
  /** The names joined by dots. */
  path: string;
  /** The last of the names. */
  name: string;
  value: string;
}

/** Characters of names that may still be written; keeps a small file from making a huge text. */
export interface NameBudget {
  left: number;
}

/** Of a longer path, the end is kept. */
const LONGEST_PATH = 100;
/** Characters that the values of a list may have to stand on one line. */
const LONGEST_LIST = 2000;

/** The fields of a record, those of what is nested in it included; without empty ones. */
export function fieldsOf(record: JsonValue, name: string, budget: NameBudget): Field[] {
  const fields: Field[] = [];
  const collect = (value: JsonValue, path: string, last: string): void => {
    if (typeof value === 'string' || isList(value)) {
      const text = typeof value === 'string' ? value : value.filter((item) => item !== '').join(', ');
      if (text.trim() === '') return;
      budget.left -= path.length;
      fields.push({ path: budget.left < 0 ? '' : path, name: last, value: text });
    } else if (value instanceof JsonObject) {
      value.keys.forEach((key, index) => collect(value.values[index] ?? '', below(path, key), key));
    } else value.forEach((item, index) => collect(item, below(path, String(index + 1)), last));
  };
  collect(record, below('', name), name);
  return fields;
}

/** Fields on one line, as `name: value; name: value`. */
export function fieldLine(fields: readonly Field[]): string {
  return recordLine(
    fields.map(({ path }) => path),
    fields.map(({ value }) => oneLine(value)),
  );
}

/** True for an array of values that can stand side by side. */
export function isList(value: JsonValue): value is string[] {
  return (
    Array.isArray(value) && value.every((item) => typeof item === 'string') && isSmall(value, LONGEST_LIST)
  );
}

/** True when a value has no more characters than this, names included. */
export function isSmall(value: JsonValue, most: number): boolean {
  let left = most;
  const measure = (item: JsonValue): void => {
    if (typeof item === 'string') left -= item.length + 2;
    else if (item instanceof JsonObject)
      item.keys.every((key, index) => {
        left -= key.length + 2;
        measure(item.values[index] ?? '');
        return left >= 0;
      });
    else
      item.every((inner) => {
        measure(inner);
        return left >= 0;
      });
  };
  measure(value);
  return left >= 0;
}

function below(path: string, key: string): string {
  const name = oneLine(key);
  const whole = path === '' ? name : `${path}.${name}`;
  if (whole.length <= LONGEST_PATH) return whole;
  // half of a character that takes two units is none
  return `…${whole.slice(1 - LONGEST_PATH).replace(/^[\udc00-\udfff]/, '')}`;
}
