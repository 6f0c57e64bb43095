/** What a value is, as far as its looks tell. */
export type ValueKind = 'text' | 'number' | 'date' | 'boolean';

/** A number or date is no longer, with its currency or unit. */
const LONGEST_VALUE = 40;
const BOOLEAN = /^(?:true|false|wahr|falsch|vrai|faux)$/i;
const DATE =
  /^(?:\d{4}-\d{1,2}(?:-\d{1,2})?|\d{1,2}[./-]\d{1,2}[./-]\d{2,4})(?:[T ]|$)|^\d{1,2}:\d{2}(?::\d{2})?(?:\s|$)/;
/** What may stand around the digits of a number. */
const AROUND_DIGITS = /[\s$€£¥₹%()+\-.,'’−–]|\b[A-Z]{3}\b/g;
const DIGITS = /^\d+(?:e\d+)?$/i;
const YEAR = /^(?:19|20)\d\d$/;

/** The kind of a value on one line. */
export function kindOf(value: string): ValueKind {
  if (value.length > LONGEST_VALUE) return 'text';
  if (BOOLEAN.test(value)) return 'boolean';
  if (DATE.test(value)) return 'date';
  return DIGITS.test(value.replace(AROUND_DIGITS, '')) ? 'number' : 'text';
}

/** True for a number that may also be a year, and so the name of a column. */
export function isYear(value: string): boolean {
  return YEAR.test(value);
}
