const LEADING_MARK = /^(?:(?:[-*•+]|\d{1,3}[.)]|#{1,6}|>|\|)[ \t]+)+/;

/** Length of the Markdown list, heading or quote marks at the start of a text, with the white space after them. */
export function leadingMarkLength(text: string): number {
  return LEADING_MARK.exec(text)?.[0].length ?? 0;
}
