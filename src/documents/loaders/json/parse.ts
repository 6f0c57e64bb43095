import { UnreadableDocumentError } from '../loader.js';

/** A value: numbers and booleans as they are written, `null` as the empty string. */
export type JsonValue = string | JsonValue[] | JsonObject;

/** An object, with its members in the order in which they are written. */
export class JsonObject {
  /** Of each member, the name. */
  readonly keys: string[] = [];
  /** Of each member, the value. */
  readonly values: JsonValue[] = [];
}

/** The text is not valid JSON. */
class JsonSyntaxError extends Error {
  /** @param position where in the text */
  constructor(readonly position: number) {
    super('not valid JSON');
  }
}

/** The text that is valid JSON so far, and the values in it. */
interface Open {
  container: JsonValue[] | JsonObject;
  closing: '}' | ']';
}

const DEEPEST = 200;
const SPACE = /[ \t\n\r]*/y;
/** What ends a run of ordinary characters in a string. */
// oxlint-disable-next-line no-control-regex
const SPECIAL = /["\\\u0000-\u001f]/g;
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

/**
 * The value of a JSON document; of JSON Lines, an array of the lines' values.
 * @throws {UnreadableDocumentError} when it is neither, or nested too deeply
 */
export function parseJson(text: string): JsonValue {
  try {
    return new JsonParser(text).parse();
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    return parseLines(text) ?? fail('JSON', text, error.position);
  }
}

/** The values of JSON Lines, or undefined when the first line is no value. */
function parseLines(text: string): JsonValue[] | undefined {
  const values: JsonValue[] = [];
  let start = 0;
  while (start < text.length) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    const line = text.slice(start, end);
    try {
      if (line.trim() !== '') values.push(new JsonParser(line).parse());
    } catch (error) {
      if (!(error instanceof JsonSyntaxError)) throw error;
      return values.length === 0 ? undefined : fail('JSON Lines', text, start + error.position);
    }
    start = end + 1;
  }
  return values;
}

function fail(format: string, text: string, position: number): never {
  const before = text.slice(0, position);
  const line = before.split('\n').length;
  const column = position - before.lastIndexOf('\n');
  throw new UnreadableDocumentError(
    `It is not valid ${format}: there is an error in line ${line}, column ${column}.`,
  );
}

/** Reads JSON without recursion, and without changing numbers and the order of members. */
class JsonParser {
  readonly #open: Open[] = [];
  readonly #names = new Map<string, string>();
  #at = 0;

  constructor(private readonly text: string) {}

  parse(): JsonValue {
    for (;;) {
      let value = this.#begin();
      while (value !== undefined) {
        const parent = this.#open.at(-1);
        if (parent === undefined) return this.#end(value);
        add(parent.container, value);
        value = this.#continue(parent);
      }
    }
  }

  /** Reads a scalar or an empty container, or goes into a container, which is undefined. */
  #begin(): JsonValue | undefined {
    const first = this.#next();
    if (first !== '{' && first !== '[') return first === '"' ? this.#string() : this.#scalar();
    this.#at++;
    if (this.#open.length === DEEPEST)
      throw new UnreadableDocumentError(`Its JSON is nested more than ${DEEPEST} levels deep.`);
    const opened: Open =
      first === '{' ? { container: new JsonObject(), closing: '}' } : { container: [], closing: ']' };
    if (this.#take(opened.closing)) return opened.container;
    this.#open.push(opened);
    if (first === '{') this.#key(opened.container);
    return undefined;
  }

  /** Reads on behind a value: undefined when another one follows, else the container that ends. */
  #continue({ container, closing }: Open): JsonValue | undefined {
    if (this.#take(',')) {
      this.#key(container);
      return undefined;
    }
    if (!this.#take(closing)) throw new JsonSyntaxError(this.#at);
    this.#open.pop();
    return container;
  }

  #end(value: JsonValue): JsonValue {
    if (this.#next() !== '') throw new JsonSyntaxError(this.#at);
    return value;
  }

  #key(container: JsonValue[] | JsonObject): void {
    if (!(container instanceof JsonObject)) return;
    if (this.#next() !== '"') throw new JsonSyntaxError(this.#at);
    const name = this.#string();
    // the names of a million records are few
    const known = this.#names.get(name) ?? name;
    this.#names.set(known, known);
    container.keys.push(known);
    if (!this.#take(':')) throw new JsonSyntaxError(this.#at);
  }

  #string(): string {
    const start = this.#at;
    let end = start + 1;
    for (;;) {
      SPECIAL.lastIndex = end;
      const special = SPECIAL.exec(this.text);
      if (special?.[0] === '"') end = special.index;
      else if (special?.[0] === '\\') end = special.index + 2;
      else throw new JsonSyntaxError(special?.index ?? this.text.length);
      if (special[0] === '"') break;
    }
    this.#at = end + 1;
    const content = this.text.slice(start + 1, end);
    return content.includes('\\') ? unescaped(this.text.slice(start, this.#at), start) : content;
  }

  #scalar(): string {
    const scalar = this.#match(SCALAR, this.#at);
    if (scalar === '') throw new JsonSyntaxError(this.#at);
    this.#at += scalar.length;
    return scalar === 'null' ? '' : scalar;
  }

  /** The next character that is no space; empty at the end. */
  #next(): string {
    this.#at += this.#match(SPACE, this.#at).length;
    return this.text.charAt(this.#at);
  }

  #take(char: string): boolean {
    const found = this.#next() === char;
    if (found) this.#at++;
    return found;
  }

  #match(pattern: RegExp, at: number): string {
    pattern.lastIndex = at;
    return pattern.exec(this.text)?.[0] ?? '';
  }
}

function unescaped(literal: string, position: number): string {
  try {
    return String(JSON.parse(literal));
  } catch {
    throw new JsonSyntaxError(position);
  }
}

function add(container: JsonValue[] | JsonObject, value: JsonValue): void {
  (container instanceof JsonObject ? container.values : container).push(value);
}
