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

/** A container whose end is not reached. */
interface Open {
  container: JsonValue[] | JsonObject;
  closing: '}' | ']';
}

/** What was read of a document so far. */
interface Seen {
  values: number;
  /** The names of members, each once: those of a million records are few. */
  names: Map<string, string>;
}

const DEEPEST = 200;
/** A value takes far more memory than the two or three bytes that it may be written with. */
const MOST_VALUES = 5_000_000;
const SPACES = ' \t\n\r';
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
  const seen: Seen = { values: 0, names: new Map() };
  let start = 0;
  while (start < text.length) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    const line = text.slice(start, end);
    try {
      if (line.trim() !== '') values.push(new JsonParser(line, seen).parse());
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
  #at = 0;

  constructor(
    private readonly text: string,
    private readonly seen: Seen = { values: 0, names: new Map() },
  ) {}

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
    if (++this.seen.values > MOST_VALUES)
      throw new UnreadableDocumentError(`Its JSON has more than ${MOST_VALUES} values.`);
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
    const known = this.seen.names.get(name) ?? name;
    this.seen.names.set(known, known);
    container.keys.push(known);
    if (!this.#take(':')) throw new JsonSyntaxError(this.#at);
  }

  #string(): string {
    const start = this.#at;
    let end = this.#special(start + 1);
    while (this.text[end] === '\\') end = this.#special(end + 2);
    if (this.text[end] !== '"') throw new JsonSyntaxError(end);
    this.#at = end + 1;
    const content = this.text.slice(start + 1, end);
    return content.includes('\\') ? unescaped(this.text.slice(start, this.#at), start) : content;
  }

  /** Where a string ends, or goes on as it is not written. */
  #special(at: number): number {
    SPECIAL.lastIndex = at;
    return SPECIAL.exec(this.text)?.index ?? this.text.length;
  }

  #scalar(): string {
    SCALAR.lastIndex = this.#at;
    const scalar = SCALAR.exec(this.text)?.[0];
    if (scalar === undefined) throw new JsonSyntaxError(this.#at);
    this.#at += scalar.length;
    return scalar === 'null' ? '' : scalar;
  }

  /** The next character that is no space; empty at the end. */
  #next(): string {
    while (SPACES.includes(this.text.charAt(this.#at)) && this.#at < this.text.length) this.#at++;
    return this.text.charAt(this.#at);
  }

  #take(char: string): boolean {
    const found = this.#next() === char;
    if (found) this.#at++;
    return found;
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
