import { readFile, writeFile } from 'node:fs/promises';
import { expect } from 'vitest';

const README = new URL('../../README.md', import.meta.url);

/** A table as Markdown. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  return `${lines.join('\n')}\n`;
}

/**
 * Compares a generated table with the one in README.md, between `<!-- NAME` and `<!-- /NAME`, or puts it there.
 * @param isUpdate put it there
 * @throws Error when the section is missing
 */
export async function expectReadmeTable(name: string, table: string, isUpdate: boolean): Promise<void> {
  const readme = await readFile(README, 'utf8');
  const section = new RegExp(`(<!-- ${name}:[^\\n]*-->\\n)([\\s\\S]*?)(<!-- /${name} -->)`);
  const [, , old] = section.exec(readme) ?? [];
  if (old === undefined) throw new Error(`README.md has no section for the ${name}`);
  if (!isUpdate) return expect(normalised(old)).toEqual(normalised(table));
  const replace = (_all: string, begin: string, _old: string, end: string) => `${begin}\n${table}\n${end}`;
  await writeFile(README, readme.replace(section, replace));
}

/** The rows of a table without what a formatter may change: padding, the length of rules, blank lines. */
function normalised(table: string): string[] {
  return table
    .split('\n')
    .map((line) => line.trim().replace(/\s+/g, ' ').replace(/-{3,}/g, '---'))
    .filter((line) => line !== '');
}
