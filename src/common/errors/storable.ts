import { isArray, ValidateBy } from 'class-validator';

/**
 * The text, or every text in the JSON value, is one that PostgreSQL can hold: without NUL and without half of a
 * surrogate pair, which is no Unicode character.
 */
export function IsStorable(): PropertyDecorator {
  return ValidateBy({
    name: 'isStorable',
    validator: {
      validate: isStorable,
      defaultMessage: () => '$property must not hold a NUL character or half of a surrogate pair',
    },
  });
}

/** Whether PostgreSQL can hold the text, or every text in the JSON value. */
export function isStorable(value: unknown): boolean {
  if (typeof value === 'string') return !value.includes('\0') && value.isWellFormed();
  if (Array.isArray(value)) return value.every(isStorable);
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([key, item]) => isStorable(key) && isStorable(item));
}

/** Bounds of the JSON that a caller may attach to a document. */
const DEEPEST_JSON = 20;
const LONGEST_JSON = 64 * 1024;
/** Labels of a document or request, and characters of one. */
export const MOST_LABELS = 100;
const LONGEST_LABEL = 100;

/** The JSON value is at most 20 levels deep and 64 KB long. */
export function IsSmallJson(): PropertyDecorator {
  return ValidateBy({
    name: 'isSmallJson',
    validator: {
      validate: (value) => isFlatterThan(value, DEEPEST_JSON) && JSON.stringify(value).length <= LONGEST_JSON,
      defaultMessage: () =>
        `$property takes at most ${LONGEST_JSON / 1024} KB of JSON, ${DEEPEST_JSON} levels deep`,
    },
  });
}

function isFlatterThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every((item) => isFlatterThan(item, levels - 1));
}

/** A list of visibility labels. */
export function IsLabels(): PropertyDecorator {
  return ValidateBy({
    name: 'isLabels',
    validator: {
      validate: (value) => isArray(value) && value.length <= MOST_LABELS && value.every(isLabel),
      defaultMessage: () =>
        `$property takes a list of up to ${MOST_LABELS} labels of 1 to ${LONGEST_LABEL} characters`,
    },
  });
}

function isLabel(value: unknown): boolean {
  return typeof value === 'string' && value.length > 0 && value.length <= LONGEST_LABEL && isStorable(value);
}
