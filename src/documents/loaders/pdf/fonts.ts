import type { PDFPageProxy } from 'unpdf/pdfjs';

/** How a font looks, as far as the structure of a text shows in it. */
export interface FontStyle {
  isBold: boolean;
  /** All letters are equally wide. */
  isMonospaced: boolean;
}

const PLAIN: FontStyle = { isBold: false, isMonospaced: false };
/** Weights in names of fonts; `bx` and `Medi` are the bold fonts of TeX. */
const BOLD = /bold|black|heavy|demi|(?:cm|sf|ec)(?:ss)?bx|-medi(?:ital)?$|TB$/i;
const MONOSPACED = /mono|courier|consol|menlo|typewriter|(?:cm|sf|ec)tt\d/i;
/** On so many pages at most are new fonts looked up: it takes about as long as reading the page. */
const MOST_LOOKUPS = 500;

interface LoadedFont {
  name?: unknown;
  bold?: unknown;
  black?: unknown;
}

/** The styles of a document's fonts. */
export class FontStyles {
  private readonly styles = new Map<string, FontStyle>();
  private lookups = 0;

  /** The style of a font that was learned; others are plain. */
  of(font: string): FontStyle {
    return this.styles.get(font) ?? PLAIN;
  }

  /**
   * Learns the styles of a page's fonts, where they are not known from other pages.
   * @param families the fonts by name, each with the family that stands in for it
   */
  async learn(page: PDFPageProxy, families: ReadonlyMap<string, string>): Promise<void> {
    const unknown = [...families].filter(([font]) => !this.styles.has(font));
    if (unknown.length === 0) return;
    // text comes without the names of its fonts: these are only sent along with all that a page draws
    const isLoaded = this.lookups++ < MOST_LOOKUPS && (await loadFonts(page));
    for (const [font, family] of unknown) {
      const loaded: LoadedFont =
        isLoaded && page.commonObjs.has(font) ? ((page.commonObjs.get(font) ?? {}) as LoadedFont) : {};
      const name = typeof loaded.name === 'string' ? loaded.name : '';
      this.styles.set(font, {
        isBold: loaded.bold === true || loaded.black === true || BOLD.test(name),
        isMonospaced: family === 'monospace' || MONOSPACED.test(name),
      });
    }
  }
}

async function loadFonts(page: PDFPageProxy): Promise<boolean> {
  try {
    await page.getOperatorList({ annotationMode: 0 });
    return true;
  } catch {
    return false;
  }
}
