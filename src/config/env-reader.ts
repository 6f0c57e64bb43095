/** Reads typed values out of environment variables and collects every problem, so that one start names them all. */
export class EnvReader {
  readonly problems: string[] = [];

  constructor(private readonly env: Readonly<Record<string, string | undefined>>) {}

  /** The value without surrounding white space; `undefined` when unset or empty. */
  string(name: string): string | undefined {
    const value = this.env[name]?.trim();
    return value === undefined || value === '' ? undefined : value;
  }

  integer(name: string, fallback: number, min: number, max: number): number {
    const value = this.string(name);
    if (value === undefined) return fallback;
    const number = Number(value);
    if (/^\d+$/.test(value) && number >= min && number <= max) return number;
    this.fail(name, value, `a whole number from ${min} to ${max}`);
    return fallback;
  }

  /** A positive amount of US dollars, such as `25` or `0.5`. */
  dollars(name: string): string | undefined {
    const value = this.string(name);
    if (value === undefined) return undefined;
    if (/^\d{1,9}(\.\d{1,10})?$/.test(value)) return value;
    this.fail(name, value, 'an amount of US dollars such as 25 or 0.50');
    return undefined;
  }

  oneOf<const T extends string>(name: string, choices: readonly T[], fallback: T): T {
    const value = this.string(name);
    if (value === undefined) return fallback;
    const found = choices.find((choice) => choice === value);
    if (found !== undefined) return found;
    this.fail(name, value, `one of ${choices.join(', ')}`);
    return fallback;
  }

  url(name: string, protocols: readonly string[]): string | undefined {
    const value = this.string(name);
    if (value === undefined) return undefined;
    const parsed = URL.canParse(value) ? new URL(value) : undefined;
    if (parsed !== undefined && protocols.includes(parsed.protocol)) return value;
    // the value itself may hold a password, so it is not repeated
    this.problems.push(`${name} takes a URL that starts with ${protocols.map((p) => `${p}//`).join(' or ')}`);
    return undefined;
  }

  /** A comma-separated list; every item must match. `undefined` when unset. */
  list(name: string, item: RegExp, takes: string): string[] | undefined {
    const value = this.string(name);
    if (value === undefined) return undefined;
    const items = value
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
    const bad = items.find((part) => !item.test(part));
    if (bad !== undefined || items.length === 0) this.fail(name, bad ?? value, takes);
    return items;
  }

  fail(name: string, value: string, takes: string): void {
    this.problems.push(`${name} is ${JSON.stringify(value.slice(0, 100))}, but takes ${takes}`);
  }
}
