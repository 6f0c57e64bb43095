import { defaultTreeAdapter, type DefaultTreeAdapterTypes, Parser, type Token } from 'parse5';
import { UnreadableDocumentError } from '../loader.js';

export type HtmlDocument = DefaultTreeAdapterTypes.Document;
export type HtmlElement = DefaultTreeAdapterTypes.Element;
export type HtmlNode = DefaultTreeAdapterTypes.ChildNode;
type TreeMap = DefaultTreeAdapterTypes.DefaultTreeAdapterMap;

/**
 * Elements nested deeper than this are read as if their tags were not there, as browsers do it: the HTML algorithm
 * searches the open elements at every tag, so unlimited depth would mean quadratic time.
 */
const DEEPEST = 512;
/** Reopened formatting elements can make millions of elements out of a few kilobytes. */
const MOST_ELEMENTS = 2_000_000;
/** Their start tags switch the tokenizer, so they cannot be left out. */
const RAW = new Set([
  'script',
  'style',
  'textarea',
  'title',
  'iframe',
  'noembed',
  'noframes',
  'xmp',
  'plaintext',
]);
const VOID = new Set(
  'area base br col embed hr img input link meta param source track wbr keygen frame bgsound'.split(' '),
);

class DepthLimitedParser extends Parser<TreeMap> {
  #omitted = 0;

  override onStartTag(token: Token.TagToken): void {
    if (this.openElements.stackTop < DEEPEST || VOID.has(token.tagName) || RAW.has(token.tagName)) {
      super.onStartTag(token);
    } else if (!token.selfClosing) this.#omitted++;
  }

  override onEndTag(token: Token.TagToken): void {
    if (this.#omitted > 0 && !RAW.has(token.tagName)) this.#omitted--;
    else super.onEndTag(token);
  }
}

/**
 * Parses HTML as browsers do.
 * @throws {UnreadableDocumentError} when the markup has or makes too many elements
 */
export function parseHtml(html: string): HtmlDocument {
  let elements = 0;
  const createElement: typeof defaultTreeAdapter.createElement = (tagName, namespace, attributes) => {
    if (++elements > MOST_ELEMENTS) {
      throw new UnreadableDocumentError(`The HTML has more than ${MOST_ELEMENTS} elements.`);
    }
    return defaultTreeAdapter.createElement(tagName, namespace, attributes);
  };
  return DepthLimitedParser.parse<TreeMap>(html, {
    treeAdapter: { ...defaultTreeAdapter, createElement },
    scriptingEnabled: false,
  });
}

export function isElement(node: HtmlNode | HtmlDocument): node is HtmlElement {
  return 'tagName' in node;
}

/** An attribute's value, or undefined where it is absent. */
export function attribute(element: HtmlElement, name: string): string | undefined {
  return element.attrs.find((attr) => attr.name === name)?.value;
}

/** All descendants in document order. Does not recurse, and does not enter what `skip` names. */
export function* descendants(
  root: HtmlElement | HtmlDocument,
  skip: (element: HtmlElement) => boolean = () => false,
): Generator<HtmlNode> {
  const stack: HtmlNode[] = [];
  const pushChildren = (parent: HtmlElement | HtmlDocument) => {
    for (let at = parent.childNodes.length - 1; at >= 0; at--) {
      const child = parent.childNodes[at];
      if (child !== undefined) stack.push(child);
    }
  };
  pushChildren(root);
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (isElement(node) && skip(node)) continue;
    yield node;
    if (isElement(node)) pushChildren(node);
  }
}

/** All text below an element in one line, block elements and line breaks as spaces. */
export function inlineText(root: HtmlElement, skip?: (element: HtmlElement) => boolean): string {
  const parts: string[] = [];
  for (const node of descendants(root, skip)) {
    if (node.nodeName === '#text' && 'value' in node) parts.push(node.value);
    else if (isElement(node)) parts.push(isBlock(node) ? ' ' : (replacementText(node) ?? ''));
  }
  return collapse(parts.join(''));
}

/** The text that an element without content stands for. */
export function replacementText(element: HtmlElement): string | undefined {
  if (element.tagName === 'img') return attribute(element, 'alt');
  return element.tagName === 'wbr' ? '' : undefined;
}

/** White space as HTML shows it: any run of it is one space, and none is left at the ends. */
export function collapse(text: string): string {
  return text.replace(/[ \t\n\r\f]+/g, ' ').trim();
}

const BLOCKS = new Set(
  (
    'address article aside blockquote body br caption center col colgroup dd details dialog dir div dl dt fieldset ' +
    'figcaption figure footer form frameset h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main menu nav ol ' +
    'optgroup option p pre section summary table tbody td tfoot th thead tr ul'
  ).split(' '),
);

/** True for elements that begin on a line of their own. */
export function isBlock(element: HtmlElement): boolean {
  return BLOCKS.has(element.tagName);
}
