/** A table of more rows than this is cut into several passages; each row then names its columns. */
const MOST_GRID_ROWS = 12;
const LONGEST_GRID = 1500;

/**
 * A table as text for the chunker. A small one becomes a pipe table. A longer one, of which a passage may hold only
 * the end, becomes one paragraph a row, in which each value stands behind its column's name, so that every row can be
 * understood alone. Empty rows are left out, empty values too.
 * @param rows cells as plain text; white space in them is collapsed
 * @param header true when the first row holds the names of the columns
 */
export function tableText(rows: readonly (readonly string[])[], header: boolean): string {
  const filled = rows
    .map((row) => row.map((cell) => cell.replace(/\s+/g, ' ').trim()))
    .filter((row) => row.some((cell) => cell !== ''));
  if (filled.length === 0) return '';
  const size = filled.reduce((sum, row) => sum + row.join(' | ').length, 0);
  if (filled.length <= MOST_GRID_ROWS && size <= LONGEST_GRID) return grid(filled);
  const [names = [], ...records] = header ? filled : [[], ...filled];
  const lines = records.map((row) => recordLine(names, row)).filter((line) => line !== '');
  // a table of nothing but names
  return lines.length === 0 ? grid(filled) : lines.join('\n\n');
}

/** One record on a line: `name: value; name: value`. */
export function recordLine(names: readonly string[], values: readonly string[]): string {
  const named = values.map((value, column) => {
    const name = names[column] ?? '';
    return value === '' || name === '' ? value : `${name}: ${value}`;
  });
  return named.filter((part) => part !== '').join('; ');
}

function grid(rows: readonly (readonly string[])[]): string {
  const width = rows.reduce((widest, row) => Math.max(widest, row.length), 0);
  if (width === 1) return rows.map(([cell = '']) => cell).join('\n\n');
  const lines = rows.map((row) => {
    const cells = Array.from({ length: width }, (_, column) =>
      (row[column] ?? '').replaceAll('|', String.raw`\|`),
    );
    return `| ${cells.join(' | ')} |`;
  });
  lines.splice(1, 0, `|${'---|'.repeat(width)}`);
  return lines.join('\n');
}
