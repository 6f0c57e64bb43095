import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What every benchmark of one build takes beside its own numbers. */
interface CommonOptions {
  dist: string;
  /** File for the results. */
  output: string | undefined;
}

/**
 * Reads the command line: `--help`, which ends the process, `--dist`, `--output`, and the numbers by their names.
 * @param numbers their defaults: a whole number above 0, or a list of such
 * @throws TypeError
 */
export function readOptions<Name extends string>(
  help: string,
  numbers: Record<Name, string>,
): CommonOptions & { numbers: Record<Name, number[]> } {
  const names = Object.keys(numbers) as Name[];
  const { values } = parseArgs({
    options: {
      ...Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
      dist: { type: 'string', default: join(ROOT, 'dist') },
      output: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    process.exit(0);
  }
  const given = values as Partial<Record<Name, string>>;
  const read = names.map((name) => [name, (given[name] ?? numbers[name]).split(',').map(wholeNumber)]);
  return { dist: values.dist, output: values.output, numbers: Object.fromEntries(read) };
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) throw new TypeError(`${text} is no whole number above 0`);
  return number;
}
