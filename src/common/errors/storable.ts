import { ValidateBy } from 'class-validator';

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

function isStorable(value: unknown): boolean {
  if (typeof value === 'string') return !value.includes('\0') && value.isWellFormed();
  if (Array.isArray(value)) return value.every(isStorable);
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([key, item]) => isStorable(key) && isStorable(item));
}
