import { elements, find, type XmlElement } from '../office/xml.js';

/** How a level of a list or of the headings is marked. */
export interface ListLevel {
  /** `1`, `a`, `A`, `i`, `I`; a bullet has none; empty for a level without marks. */
  format: string | undefined;
  prefix: string;
  suffix: string;
  /** How many levels its number shows: 3 for `1.2.3`. */
  shown: number;
  start: number;
}

/** What a style, with those that it is based on, says about the text. */
interface TextStyle {
  role: 'title' | 'code' | undefined;
  isHidden: boolean;
  breaksBefore: boolean;
  breaksAfter: boolean;
}

interface Style {
  name: string;
  parent: string | undefined;
  hidden: boolean | undefined;
  breaksBefore: boolean | undefined;
  breaksAfter: boolean | undefined;
}

type StyleFamily = 'paragraph' | 'text' | 'table';

const DEEPEST_INHERITANCE = 20;
const CODE = /^(?:preformatted text|html preformatted|source code|code|code block|code listing)$/i;
/** The longest text around a number. */
const LONGEST_AFFIX = 10;
/** The name under which the levels of the headings are kept; no style is named like this. */
const OUTLINE = ' outline';

/** The styles of a document, as far as they matter for its text. */
export class OpenDocumentStyles {
  readonly #styles = new Map<string, Style>();
  readonly #lists = new Map<string, Map<number, ListLevel>>();
  readonly #resolved = new Map<string, TextStyle>();

  /** @param roots the parts that hold styles, those that matter most first */
  constructor(roots: readonly (XmlElement | undefined)[]) {
    for (const root of roots) {
      for (const group of elements(root)) {
        if (group.name !== 'styles' && group.name !== 'automatic-styles') continue;
        for (const element of elements(group)) this.#add(element);
      }
    }
  }

  /** A style by its family and its name. */
  style(family: StyleFamily, name: string | undefined): TextStyle {
    const key = keyOf(family, name ?? '');
    const known = this.#resolved.get(key);
    if (known !== undefined) return known;
    const style = this.#resolve(key);
    this.#resolved.set(key, style);
    return style;
  }

  /** A level of a list style, counted from 1. */
  listLevel(name: string, level: number): ListLevel | undefined {
    return this.#lists.get(name)?.get(level);
  }

  /** A level of the headings, counted from 1. */
  outlineLevel(level: number): ListLevel | undefined {
    return this.#lists.get(OUTLINE)?.get(level);
  }

  #add(element: XmlElement): void {
    if (element.name === 'list-style') this.#addLevels(element.attributes['name'] ?? '', element);
    else if (element.name === 'outline-style') this.#addLevels(OUTLINE, element);
    else if (element.name === 'style') this.#addStyle(element);
  }

  #addLevels(name: string, style: XmlElement): void {
    if (this.#lists.has(name)) return;
    const levels = new Map<number, ListLevel>();
    for (const { name: kind, attributes } of elements(style)) {
      levels.set(Number(attributes['level']), {
        format: /-(?:bullet|image)$/.test(kind) ? undefined : (attributes['num-format'] ?? ''),
        prefix: (attributes['num-prefix'] ?? '').slice(0, LONGEST_AFFIX),
        suffix: (attributes['num-suffix'] ?? '').slice(0, LONGEST_AFFIX),
        shown: countFrom(attributes['display-levels']) ?? 1,
        start: countFrom(attributes['start-value']) ?? 1,
      });
    }
    this.#lists.set(name, levels);
  }

  #addStyle(element: XmlElement): void {
    const { name = '', family = '', 'parent-style-name': parent } = element.attributes;
    const key = keyOf(family, name);
    if (this.#styles.has(key)) return;
    const layout = find(
      element,
      family === 'table' ? 'table-properties' : 'paragraph-properties',
    )?.attributes;
    const display = find(element, 'text-properties')?.attributes['display'];
    // a page style of its own begins a page
    const before = element.attributes['master-page-name'] ? 'page' : layout?.['break-before'];
    const after = layout?.['break-after'];
    this.#styles.set(key, {
      name: decodeName(name),
      parent,
      hidden: display === undefined ? undefined : display === 'none',
      breaksBefore: before === undefined ? undefined : before === 'page',
      breaksAfter: after === undefined ? undefined : after === 'page',
    });
  }

  #resolve(key: string): TextStyle {
    const family = key.slice(0, key.indexOf('/'));
    const chain: Style[] = [];
    for (let style = this.#styles.get(key); style && chain.length < DEEPEST_INHERITANCE;) {
      chain.push(style);
      style = style.parent === undefined ? undefined : this.#styles.get(keyOf(family, style.parent));
    }
    const names = chain.map(({ name }) => name);
    // built-in styles may be used without being declared
    if (names.length === 0) names.push(decodeName(key.slice(family.length + 1)));
    const role = names.map(roleOf).find((found) => found !== undefined);
    return {
      role: role === 'none' ? undefined : role,
      isHidden: firstOf(chain, 'hidden'),
      breaksBefore: firstOf(chain, 'breaksBefore'),
      breaksAfter: firstOf(chain, 'breaksAfter'),
    };
  }
}

/** A number of things as an attribute declares it, or undefined when that is none that can be. */
export function countFrom(value: string | undefined): number | undefined {
  return /^\d{1,5}$/.test(value ?? '') ? Number(value) : undefined;
}

function firstOf(chain: readonly Style[], property: 'hidden' | 'breaksBefore' | 'breaksAfter'): boolean {
  return chain.find((style) => style[property] !== undefined)?.[property] ?? false;
}

/** The role of a style by its name; `none` for one that may be based on another with a role but has none. */
function roleOf(name: string): 'title' | 'code' | 'none' | undefined {
  if (/^title$/i.test(name)) return 'title';
  if (/^subtitle$/i.test(name)) return 'none';
  return CODE.test(name) ? 'code' : undefined;
}

function keyOf(family: string, name: string): string {
  return `${family}/${name}`;
}

/** A style's name with its escaped characters, such as `_20_` for a space. */
function decodeName(name: string): string {
  return name.replace(/_([0-9a-f]{1,4})_/gi, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}
