import type { OfficePackage } from '../package.js';
import { child, elements, find, type XmlElement } from '../xml.js';
import { isSurrounding, type Placeholder, placeholderOf } from './slide-shapes.js';

/** What layouts and masters have a place of their own for; all other places are for text. */
const KINDS = new Map([
  ['title', 'title'],
  ['ctrTitle', 'title'],
]);

type ListStyle = XmlElement | undefined;

/** A layout or master: the list styles of its places, and those for all texts of a kind. */
interface StyleSheet {
  byIndex: Map<string, ListStyle>;
  byType: Map<string, ListStyle>;
  byKind: Map<string, ListStyle>;
  titleStyle: ListStyle;
  bodyStyle: ListStyle;
  otherStyle: ListStyle;
}

/** Gives the list styles of a text outside of the text itself, the nearest first. */
export type FindListStyles = (placeholder: Placeholder | undefined) => ListStyle[];

/** The list styles that the texts of slides take from layouts and masters. */
export class TextStyles {
  readonly #sheets = new Map<string, StyleSheet>();

  constructor(private readonly parts: OfficePackage) {}

  /** Finds the list styles of a slide's texts. */
  ofSlide(slideName: string): FindListStyles {
    const layoutName = this.parts.relatedTo(slideName, 'slideLayout')[0];
    const masterName = layoutName && this.parts.relatedTo(layoutName, 'slideMaster')[0];
    const layout = this.#sheet(layoutName);
    const master = this.#sheet(masterName);
    return (placeholder) => {
      if (placeholder === undefined) return [master?.otherStyle];
      const kind = kindOf(placeholder);
      return [
        layout?.byIndex.get(placeholder.index ?? '') ?? layout?.byType.get(placeholder.type),
        master?.byKind.get(kind),
        kind === 'title' ? master?.titleStyle : master?.bodyStyle,
      ];
    };
  }

  #sheet(name: string | undefined): StyleSheet | undefined {
    if (name === undefined) return undefined;
    let sheet = this.#sheets.get(name);
    if (sheet === undefined) {
      sheet = readSheet(this.parts.optionalXml(name));
      this.#sheets.set(name, sheet);
    }
    return sheet;
  }
}

function readSheet(root: XmlElement | undefined): StyleSheet {
  const styles = child(root, 'txStyles');
  const sheet: StyleSheet = {
    byIndex: new Map(),
    byType: new Map(),
    byKind: new Map(),
    titleStyle: child(styles, 'titleStyle'),
    bodyStyle: child(styles, 'bodyStyle'),
    otherStyle: child(styles, 'otherStyle'),
  };
  for (const shape of elements(find(root, 'spTree')).reverse()) {
    const placeholder = placeholderOf(shape);
    if (placeholder === undefined || isSurrounding(placeholder)) continue;
    const style = child(child(shape, 'txBody'), 'lstStyle');
    if (placeholder.index !== undefined) sheet.byIndex.set(placeholder.index, style);
    sheet.byType.set(placeholder.type, style);
    sheet.byKind.set(kindOf(placeholder), style);
  }
  return sheet;
}

function kindOf({ type }: Placeholder): string {
  return KINDS.get(type) ?? 'body';
}
