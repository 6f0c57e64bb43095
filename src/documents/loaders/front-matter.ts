/** A value of simple YAML: what front matter holds in practice. */
type FrontMatterValue = string | number | boolean | string[];

/** Metadata at the head of a Markdown text, and the text without it. */
export interface FrontMatter {
  values: Map<string, FrontMatterValue>;
  body: string;
}

/** Longer blocks are text between two rules, not metadata. */
const MOST_LINES = 200;
const ENTRY = /^([A-Za-z_][\w .-]{0,63}):(?:[ \t]+(.*))?$/;
const ITEM = /^[ \t]*- +(.*)$/;

/**
 * Splits off YAML front matter (`---`, lines, `---` or `...`, at the very start). Scalars, and lists of scalars, become
 * values; nested maps and block texts are skipped. A text that only begins with a rule is left as it is.
 */
export function splitFrontMatter(text: string): FrontMatter {
  const none: FrontMatter = { values: new Map(), body: text };
  if (!text.startsWith('---\n')) return none;
  const lines: string[] = [];
  for (let start = 4; lines.length <= MOST_LINES;) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    const line = text.slice(start, end);
    if (line === '---' || line === '...') {
      return isMetadata(lines) ? { values: readValues(lines), body: text.slice(end + 1) } : none;
    }
    if (newline < 0) break;
    lines.push(line);
    start = end + 1;
  }
  return none;
}

function isMetadata(lines: readonly string[]): boolean {
  const first = lines.find((line) => line.trim() !== '' && !line.startsWith('#'));
  if (first === undefined) return lines.length === 0;
  const belongs = (line: string) =>
    line.trim() === '' || /^[ \t#]/.test(line) || ENTRY.test(line) || ITEM.test(line);
  return ENTRY.test(first) && lines.every(belongs);
}

function readValues(lines: readonly string[]): Map<string, FrontMatterValue> {
  const values = new Map<string, FrontMatterValue>();
  let listKey: string | undefined;
  for (const line of lines) {
    const item = ITEM.exec(line)?.[1];
    if (item !== undefined && listKey !== undefined) {
      const list = values.get(listKey);
      values.set(listKey, [...(Array.isArray(list) ? list : []), String(scalar(item) ?? '')]);
      continue;
    }
    const entry = ENTRY.exec(line);
    if (entry?.[1] === undefined) continue;
    const raw = (entry[2] ?? '').trim();
    listKey = raw === '' ? entry[1] : undefined;
    const value = raw.startsWith('[') && raw.endsWith(']') ? flowList(raw) : scalar(raw);
    if (value !== undefined) values.set(entry[1], value);
  }
  return values;
}

function flowList(raw: string): string[] {
  const parts = raw.slice(1, -1).match(/\s*(?:"[^"]*"|'[^']*'|[^,]+)/g) ?? [];
  return parts.map((part) => String(scalar(part.trim()) ?? '')).filter((part) => part !== '');
}

/** A string, number or boolean; undefined for nothing, `null`, block texts and flow maps. */
function scalar(raw: string): string | number | boolean | undefined {
  const quoted = /^"(.*)"$|^'(.*)'$/.exec(raw);
  if (quoted !== null) return quoted[1]?.replace(/\\(["\\])/g, '$1') ?? quoted[2]?.replaceAll("''", "'");
  const plain = raw.replace(/(?:^|[ \t])#.*$/, '').trim();
  if (plain === '' || plain === '~' || plain === 'null' || /^[|>{&*!]/.test(plain)) return undefined;
  if (plain === 'true' || plain === 'false') return plain === 'true';
  const isNumber = /^-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?$/.test(plain);
  return isNumber ? Number(plain) : plain;
}
