const QUOTE = '"';

/**
 * Reads values that stand between delimiters, row by row. A value in quotes may hold delimiters, line breaks and, each
 * doubled, quotes; where quotes enclose no value, they are part of it. Takes linear time whatever the quotes are.
 * @param text with `\n` as its only line break
 * @param onValue is told the value and where it is, from 0
 */
export function readCsv(
  text: string,
  delimiter: string,
  onValue: (row: number, column: number, value: string) => void,
): void {
  const next = { delimiter: -1, newline: -1 };
  const findNext = (mark: string, from: number): number => {
    const found = text.indexOf(mark, from);
    return found < 0 ? text.length : found;
  };
  let [row, column] = [0, 0];
  for (let start = 0; start < text.length;) {
    const closing = text[start] === QUOTE ? closingQuote(text, start, delimiter) : -1;
    const from = Math.max(start, closing);
    if (next.delimiter < from) next.delimiter = findNext(delimiter, from);
    if (next.newline < from) next.newline = findNext('\n', from);
    const end = Math.min(next.delimiter, next.newline);
    onValue(row, column, closing < 0 ? text.slice(start, end) : unquote(text.slice(start + 1, closing)));
    if (end === next.newline) [row, column] = [row + 1, 0];
    else column++;
    start = end + 1;
  }
}

/** Where the quote is that ends a value which begins with one; -1 when there is none with the end of a value behind it. */
function closingQuote(text: string, start: number, delimiter: string): number {
  let at = text.indexOf(QUOTE, start + 1);
  while (at >= 0 && text[at + 1] === QUOTE) at = text.indexOf(QUOTE, at + 2);
  if (at < 0) return -1;
  let end = at + 1;
  while (text[end] === ' ') end++;
  return end >= text.length || text[end] === '\n' || text[end] === delimiter ? at : -1;
}

function unquote(value: string): string {
  return value.replaceAll('""', QUOTE);
}
