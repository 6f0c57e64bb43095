import { mkdtemp, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';

/** What figures depend on. */
export interface Machine {
  node: string;
  cpu: string;
  date: string;
}

export function machine(): Machine {
  return {
    node: process.version,
    cpu: `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'unknown'}`,
    date: new Date().toISOString(),
  };
}

/** Tells people what goes on; standard output is for the results. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Writes all figures to a file, and those for people to standard output. @param output default: a new temporary one */
export async function writeResults(
  name: string,
  output: string | undefined,
  results: unknown,
  table: string,
): Promise<void> {
  const file = output ?? join(await mkdtemp(join(tmpdir(), 'footnote-bench-results-')), `${name}.json`);
  await writeFile(file, `${JSON.stringify(results, null, 2)}\n`);
  process.stdout.write(`${table}\n`);
  note(`Results: ${file}`);
}

/** A Markdown table. */
export function markdown(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
