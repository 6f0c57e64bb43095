import { formatNumber } from '../number-format.js';
import { child, elements, type XmlElement } from '../xml.js';
import { isOn, numberOf, valueOf } from './flags.js';
import type { Styles } from './styles.js';

/** A paragraph's place in a list. */
export interface ListPlace {
  /** From 0. */
  depth: number;
  /** Its number as it is written, such as `2.1.` or `(a)`; empty for a bullet. */
  label: string;
  /** True when it has neither: the list only indents it. */
  isUnmarked: boolean;
}

interface Level {
  start: number;
  format: string;
  /** The label, in which `%1` stands for the number of the outermost level. */
  pattern: string;
  /** All numbers in the label are decimal. */
  isLegal: boolean;
}

/** Levels of a list, and which of them paragraphs of a style have. */
interface ListDefinition {
  levels: Map<number, Level>;
  levelsByStyle: Map<string, number>;
  /** The style that the list is defined by, if not by itself. */
  link: string | undefined;
}

/** What paragraphs name: a definition, with changes of its own. Lists of the same definition count on. */
interface List {
  definitionId: string;
  levels: Map<number, Level>;
  /** Numbers to begin again from, at the first paragraph of each level. */
  restarts: Map<number, number>;
}

const DEEPEST_LEVEL = 8;
const LONGEST_PATTERN = 50;
const BULLET: Level = { start: 1, format: 'bullet', pattern: '', isLegal: false };

/** Numbers the lists and headings of a document. Its paragraphs must be asked for in order. */
export class Numbering {
  readonly #definitions = new Map<string, ListDefinition>();
  readonly #lists = new Map<string, List>();
  readonly #counts = new Map<string, (number | undefined)[]>();

  constructor(
    root: XmlElement | undefined,
    private readonly styles: Styles,
  ) {
    for (const element of elements(root, 'abstractNum')) {
      const id = element.attributes['abstractNumId'];
      if (id !== undefined) this.#definitions.set(id, readDefinition(element));
    }
    for (const element of elements(root, 'num')) {
      const id = element.attributes['numId'];
      if (id !== undefined) this.#lists.set(id, readList(element));
    }
  }

  /**
   * Counts a paragraph.
   * @param properties of the paragraph
   * @returns undefined when it is in no list
   */
  count(properties: XmlElement | undefined, styleId: string | undefined): ListPlace | undefined {
    const own = child(properties, 'numPr');
    const inherited = this.styles.paragraph(styleId).list;
    const id = valueOf(own, 'numId') ?? inherited?.id;
    const list = id === undefined ? undefined : this.#lists.get(id);
    if (id === undefined || list === undefined) return undefined;
    const definition = this.#definitionOf(list);
    const depth =
      numberOf(own, 'ilvl') ??
      inherited?.level ??
      definition?.levelsByStyle.get(inherited?.style ?? styleId ?? '') ??
      0;
    return this.#place(list, definition, Math.min(Math.max(depth, 0), DEEPEST_LEVEL));
  }

  #place(list: List, definition: ListDefinition | undefined, depth: number): ListPlace {
    const levelAt = (at: number) => list.levels.get(at) ?? definition?.levels.get(at) ?? BULLET;
    const level = levelAt(depth);
    const counts = this.#advance(list, depth, levelAt);
    if (level.format === 'bullet') return { depth, label: '', isUnmarked: false };
    const label = level.pattern
      .replace(/%([1-9])/g, (_, digit: string) => {
        const at = Number(digit) - 1;
        const { format, start } = levelAt(at);
        if (format === 'none' || format === 'bullet') return '';
        return formatNumber(counts[at] ?? start, level.isLegal ? 'decimal' : format);
      })
      .trim();
    return { depth, label, isUnmarked: label === '' };
  }

  #advance(list: List, depth: number, levelAt: (at: number) => Level): readonly (number | undefined)[] {
    let counts = this.#counts.get(list.definitionId);
    if (counts === undefined) {
      counts = [];
      this.#counts.set(list.definitionId, counts);
    }
    const restart = list.restarts.get(depth);
    list.restarts.delete(depth);
    counts[depth] = restart ?? (counts[depth] ?? levelAt(depth).start - 1) + 1;
    // a level begins anew below each item of the levels above it
    counts.length = depth + 1;
    for (let above = 0; above < depth; above++) counts[above] ??= levelAt(above).start;
    return counts;
  }

  /** A definition, or the one of the style that it refers to. */
  #definitionOf(list: List): ListDefinition | undefined {
    const definition = this.#definitions.get(list.definitionId);
    if (definition?.link === undefined) return definition;
    const linked = this.#lists.get(this.styles.paragraph(definition.link).list?.id ?? '');
    return (linked && this.#definitions.get(linked.definitionId)) ?? definition;
  }
}

function readDefinition(element: XmlElement): ListDefinition {
  const definition: ListDefinition = {
    levels: new Map(),
    levelsByStyle: new Map(),
    link: valueOf(element, 'numStyleLink'),
  };
  for (const level of elements(element, 'lvl')) {
    const at = Number(level.attributes['ilvl']);
    const style = valueOf(level, 'pStyle');
    definition.levels.set(at, readLevel(level));
    if (style !== undefined) definition.levelsByStyle.set(style, at);
  }
  return definition;
}

function readList(element: XmlElement): List {
  const list: List = {
    definitionId: valueOf(element, 'abstractNumId') ?? '',
    levels: new Map(),
    restarts: new Map(),
  };
  for (const override of elements(element, 'lvlOverride')) {
    const at = Number(override.attributes['ilvl']);
    const level = child(override, 'lvl');
    const restart = numberOf(override, 'startOverride');
    if (level !== undefined) list.levels.set(at, readLevel(level));
    if (restart !== undefined) list.restarts.set(at, restart);
  }
  return list;
}

function readLevel(level: XmlElement): Level {
  return {
    start: numberOf(level, 'start') ?? 0,
    format: valueOf(level, 'numFmt') ?? 'decimal',
    pattern: (valueOf(level, 'lvlText') ?? '').slice(0, LONGEST_PATTERN),
    isLegal: isOn(child(level, 'isLgl')),
  };
}
