/** What a paragraph style says about the text. */
interface RtfStyle {
  /** From 1; undefined for a style that is not for headings. */
  headingLevel: number | undefined;
  isCode: boolean;
}

const HEADING = /^heading ([1-9])$/i;
const CODE = /^(?:html preformatted|preformatted text|plain text code|source code|code|code block)$/i;
const TITLE = /^title$/i;
const SUBTITLE = /^subtitle$/i;
const DEEPEST_INHERITANCE = 20;
/** The level that is none. */
const BODY_LEVEL = 9;

/** The styles of a document by their numbers. */
export class RtfStyles {
  readonly #styles = new Map<number, RtfStyle & { basedOn: number | undefined }>();

  /**
   * Adds a style by what it is called and where it stands in the outline.
   * @param outlineLevel from 0
   */
  add(number: number, name: string, outlineLevel: number | undefined, basedOn: number | undefined): void {
    const plain = name.replace(/;$/, '').trim();
    const level = HEADING.exec(plain)?.[1] ?? (TITLE.test(plain) ? 1 : headingLevelOf(outlineLevel));
    const headingLevel = level === undefined ? undefined : Number(level);
    // a subtitle is no heading, whatever it is based on
    const inherits = outlineLevel === undefined && !SUBTITLE.test(plain);
    this.#styles.set(number, {
      headingLevel,
      isCode: CODE.test(plain),
      basedOn: inherits ? basedOn : undefined,
    });
  }

  /** What a style says, with those that it is based on. */
  get(number: number): RtfStyle {
    let at: number | undefined = number;
    for (let depth = 0; at !== undefined && depth < DEEPEST_INHERITANCE; depth++) {
      const style = this.#styles.get(at);
      if (style !== undefined && (style.isCode || style.headingLevel !== undefined)) return style;
      at = style?.basedOn;
    }
    return { headingLevel: undefined, isCode: false };
  }
}

/** The level of a heading by its level in the outline, from 0; undefined for a paragraph that is none. */
export function headingLevelOf(outlineLevel: number | undefined): number | undefined {
  const isHeading = outlineLevel !== undefined && outlineLevel >= 0 && outlineLevel < BODY_LEVEL;
  return isHeading ? outlineLevel + 1 : undefined;
}
