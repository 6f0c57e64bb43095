import { type AppError, invalidField } from '../common/index.js';

/** A metadata filter as a SQL parameter: a jsonpath predicate. */
export type CompiledFilter = string;

/** What callers write: `{ "team": "payments", "year": { "gte": 2024 }, "or": [ … ] }`. */
export type MetadataFilter = Record<string, unknown>;

const COMPARISONS: Record<string, string> = { eq: '==', ne: '!=', gt: '>', gte: '>=', lt: '<', lte: '<=' };
const MAX_CONDITIONS = 50;
const MAX_DEPTH = 5;
const MAX_LIST = 200;

/**
 * Compiles a filter on document metadata to a jsonpath predicate (SQL/JSON, ISO 9075-2) for the operator `@@`, which an
 * index serves: the SQL text stays the same for every filter, and nothing of the caller's ever becomes part of it. In
 * the predicate, names and values stand as JSON literals, whose syntax is jsonpath's too.
 *
 * Fields compare with `eq` (or a bare value), `ne`, `gt`, `gte`, `lt`, `lte`, `in`, `exists`; `and`, `or` take lists of
 * filters and `not` takes one. A field whose value is a list matches when one of its items does (`ne`: when none does).
 *
 * @throws AppError INVALID_REQUEST naming the part that is wrong
 */
export function compileFilter(filter: MetadataFilter | undefined): CompiledFilter | undefined {
  if (filter == null || Object.keys(filter).length === 0) return undefined;
  return new FilterCompiler().all(filter, 'filter', 1);
}

class FilterCompiler {
  private conditions = 0;

  all(filter: unknown, at: string, depth: number): string {
    if (!isObject(filter)) throw invalid(at, 'takes an object');
    if (depth > MAX_DEPTH) throw invalid(at, `is nested deeper than ${MAX_DEPTH} levels`);
    const entries = Object.entries(filter);
    if (entries.length === 0) throw invalid(at, 'is empty');
    return entries.map(([key, value]) => this.entry(key, value, `${at}.${key}`, depth)).join(' && ');
  }

  private entry(key: string, value: unknown, at: string, depth: number): string {
    if (key === 'and' || key === 'or') {
      if (!Array.isArray(value) || value.length === 0) throw invalid(at, 'takes a list of filters');
      const parts = value.map((part, index) => `(${this.all(part, `${at}.${index}`, depth + 1)})`);
      return `(${parts.join(key === 'and' ? ' && ' : ' || ')})`;
    }
    if (key.includes('\0')) throw invalid('filter', 'names a field with a NUL character');
    if (key === 'not') return negation(this.all(value, at, depth + 1));
    const field = `$.${JSON.stringify(key)}`;
    if (!isObject(value)) return this.compare(field, 'eq', value, at);
    const conditions = Object.entries(value);
    if (conditions.length === 0) throw invalid(at, 'is empty');
    return conditions
      .map(([operator, operand]) => this.compare(field, operator, operand, `${at}.${operator}`))
      .join(' && ');
  }

  private compare(field: string, operator: string, operand: unknown, at: string): string {
    if (++this.conditions > MAX_CONDITIONS)
      throw invalid(at, `is one of more than ${MAX_CONDITIONS} conditions`);
    if (operator === 'exists') {
      if (typeof operand !== 'boolean') throw invalid(at, 'takes true or false');
      return operand ? `exists(${field})` : `!exists(${field})`;
    }
    if (operator === 'in') {
      if (!Array.isArray(operand) || operand.length === 0 || operand.length > MAX_LIST)
        throw invalid(at, `takes a list of 1 to ${MAX_LIST} values`);
      return `(${operand.map((item) => `${field} == ${literal(item, at)}`).join(' || ')})`;
    }
    const comparison = COMPARISONS[operator];
    if (comparison === undefined)
      throw invalid(
        at,
        `is not a comparison; known: ${[...Object.keys(COMPARISONS), 'in', 'exists'].join(', ')}`,
      );
    // "not equal to any of them" for lists, and true for a field that is absent
    if (operator === 'ne') return negation(`${field} == ${literal(operand, at)}`);
    return `${field} ${comparison} ${literal(operand, at)}`;
  }
}

function literal(value: unknown, at: string): string {
  if (value !== null && !['string', 'number', 'boolean'].includes(typeof value))
    throw invalid(at, 'takes a string, a number, true, false or null');
  if (typeof value === 'string' && value.includes('\0')) throw invalid(at, 'holds a NUL character');
  return JSON.stringify(value);
}

/** True too where the predicate is unknown, as it is when a text is compared with a number. */
function negation(predicate: string): string {
  return `((${predicate}) is unknown || !(${predicate}))`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(field: string, message: string): AppError {
  return invalidField(field, `${field} ${message}`);
}
