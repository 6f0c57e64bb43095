import { isContent, isHidden, isSurrounding } from './content.js';
import {
  attribute,
  descendants,
  type HtmlElement,
  type HtmlNode,
  inlineText,
  isBlock,
  isElement,
  replacementText,
} from './html-tree.js';
import { MarkdownWriter } from './markdown-writer.js';
import { type RepeatBudget, tableLines } from './table.js';

interface Visit {
  node: HtmlNode;
  insideContent: boolean;
}
/** A node to enter, or what is to be done when an element is left. */
type Step = Visit | (() => void);

/**
 * Renders elements as Markdown-like text. Walks with a stack of its own, so depth costs no call stack.
 * @param everything keep navigation, headers, footers and asides
 */
export function renderHtml(roots: readonly HtmlElement[], everything = false): string {
  return new HtmlRenderer(everything).render(roots);
}

class HtmlRenderer {
  readonly #writer = new MarkdownWriter();
  readonly #lists: { ordered: boolean; next: number }[] = [];
  readonly #repeats: RepeatBudget = { left: 100_000 };
  readonly #steps: Step[] = [];

  constructor(private readonly everything: boolean) {}

  render(roots: readonly HtmlElement[]): string {
    for (const node of roots.toReversed()) this.#steps.push({ node, insideContent: isContent(node) });
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      if (typeof step === 'function') step();
      else this.#visit(step);
    }
    return this.#writer.finish();
  }

  #visit({ node, insideContent }: Visit): void {
    if (node.nodeName === '#text' && 'value' in node) this.#writer.text(node.value);
    if (!isElement(node) || isHidden(node)) return;
    if (!this.everything && isSurrounding(node, insideContent)) return;
    const replacement = replacementText(node);
    if (replacement !== undefined) this.#writer.text(replacement);
    else if (!this.#writeWhole(node)) this.#enter(node, insideContent || isContent(node));
  }

  /** Writes elements whose whole content is read at once. */
  #writeWhole(element: HtmlElement): boolean {
    if (element.tagName === 'br') this.#writer.breakLine(1);
    else if (/^h[1-6]$/.test(element.tagName)) {
      this.#writer.heading(Number(element.tagName.slice(1)), inlineText(element, isHidden));
    } else if (element.tagName === 'pre') this.#writeCode(element);
    else if (element.tagName === 'table') return this.#writeTable(element);
    else return false;
    return true;
  }

  #writeCode(element: HtmlElement): void {
    const parts: string[] = [];
    let language = languageOf(element);
    for (const node of descendants(element, isHidden)) {
      if (node.nodeName === '#text' && 'value' in node) parts.push(node.value);
      else if (node.nodeName === 'br') parts.push('\n');
      else if (isElement(node)) language ??= languageOf(node);
    }
    const code = parts.join('').replace(/^\n+/, '').trimEnd();
    if (code === '') return;
    const longest = (code.match(/`{3,}/g) ?? []).reduce((most, run) => Math.max(most, run.length), 2);
    const fence = '`'.repeat(longest + 1);
    this.#writer.lines([fence + (language ?? ''), ...code.split('\n'), fence]);
  }

  #writeTable(table: HtmlElement): boolean {
    const lines = tableLines(
      table,
      (element) => isHidden(element) || element.tagName === 'caption',
      this.#repeats,
    );
    if (lines === undefined) return false;
    const caption = table.childNodes.find((node) => node.nodeName === 'caption');
    this.#writer.breakLine(2);
    if (caption !== undefined && isElement(caption)) this.#writer.text(inlineText(caption, isHidden));
    this.#writer.lines(lines);
    return true;
  }

  #enter(element: HtmlElement, insideContent: boolean): void {
    const leave = this.#open(element);
    if (leave !== undefined) this.#steps.push(leave);
    for (let at = element.childNodes.length - 1; at >= 0; at--) {
      const node = element.childNodes[at];
      if (node !== undefined) this.#steps.push({ node, insideContent });
    }
  }

  /** Does what is due before the children of an element, and returns what is due after them. */
  #open(element: HtmlElement): (() => void) | undefined {
    switch (element.tagName) {
      case 'ul':
      case 'ol':
      case 'menu':
      case 'dir':
        return this.#openList(element);
      case 'li':
        return this.#openItem();
      case 'blockquote':
        return this.#openQuotation();
      case 'dt':
        this.#writer.breakParagraph();
        return () => this.#writer.breakLine(1);
      case 'dd':
        return this.#openDescription();
      case 'tr':
      case 'td':
      case 'th':
      case 'option':
        this.#writer.breakLine(1);
        return () => this.#writer.breakLine(1);
      default:
        if (!isBlock(element)) return undefined;
        this.#writer.breakParagraph();
        return () => this.#writer.breakLine(this.#writer.nested ? 1 : 2);
    }
  }

  #openList(element: HtmlElement): () => void {
    const start = Number.parseInt(attribute(element, 'start') ?? '1', 10);
    this.#writer.breakLine(this.#lists.length > 0 ? 1 : 2);
    this.#lists.push({ ordered: element.tagName === 'ol', next: Number.isSafeInteger(start) ? start : 1 });
    return () => {
      this.#lists.pop();
      this.#writer.breakLine(this.#lists.length > 0 ? 1 : 2);
    };
  }

  #openItem(): () => void {
    const list = this.#lists.at(-1);
    this.#writer.breakLine(1);
    this.#writer.openContainer(list?.ordered === true ? `${list.next++}. ` : '- ', false);
    return () => this.#writer.closeContainer();
  }

  /** A description stands on the lines below its term, without a mark. */
  #openDescription(): () => void {
    this.#writer.breakLine(1);
    this.#writer.openContainer('', false);
    return () => this.#writer.closeContainer();
  }

  #openQuotation(): () => void {
    this.#writer.breakLine(2);
    this.#writer.openContainer('> ', true);
    return () => {
      this.#writer.closeContainer();
      this.#writer.breakLine(2);
    };
  }
}

/** The language of a code block, as highlighters mark it. */
function languageOf(element: HtmlElement): string | undefined {
  return /(?:^|\s)(?:lang|language|highlight-source)-([\w+#.-]{1,30})/.exec(
    attribute(element, 'class') ?? '',
  )?.[1];
}
