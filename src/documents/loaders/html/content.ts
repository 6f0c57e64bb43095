import { attribute, descendants, type HtmlDocument, type HtmlElement, isElement } from './html-tree.js';

/** Never text for a reader. */
const DROPPED = new Set(
  (
    'script style noscript template head iframe object embed canvas svg audio video map select datalist input textarea ' +
    'progress meter annotation annotation-xml noembed noframes rp'
  ).split(' '),
);
/** Around the content of a page, not part of it, unless they stand inside `<main>` or `<article>`. */
const SURROUNDING = new Set(['header', 'footer', 'aside']);
const SURROUNDING_ROLES = new Set(['banner', 'contentinfo', 'complementary', 'search']);
const DECORATION = new Set(['a', 'i', 'span', 'b', 'em', 'button', 'img']);

/** True for what a browser would not show. */
export function isHidden(element: HtmlElement): boolean {
  if (DROPPED.has(element.tagName)) return true;
  for (const { name, value } of element.attrs) {
    if (name === 'hidden' && value !== 'until-found') return true;
    if (name === 'style' && /(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)/i.test(value))
      return true;
    // permalink signs and icons; a whole page may carry it while a dialog is open
    if (name === 'aria-hidden' && value === 'true' && DECORATION.has(element.tagName)) return true;
  }
  return element.tagName === 'dialog' && attribute(element, 'open') === undefined;
}

/** True for navigation, and outside the content also for headers, footers and asides. */
export function isSurrounding(element: HtmlElement, insideContent: boolean): boolean {
  const role = attribute(element, 'role');
  if (element.tagName === 'nav' || role === 'navigation' || isLanguageList(element)) return true;
  if (insideContent) return false;
  return SURROUNDING.has(element.tagName) || (role !== undefined && SURROUNDING_ROLES.has(role));
}

/** A list that links to the page in other languages. */
function isLanguageList(element: HtmlElement): boolean {
  if (element.tagName !== 'ul') return false;
  const items = element.childNodes.filter(isElement);
  return (
    items.length > 1 &&
    items.every((item) => {
      const link = item.childNodes.find(isElement);
      return link?.tagName === 'a' && attribute(link, 'hreflang') !== undefined;
    })
  );
}

/** True for the elements that hold the content of a page. */
export function isContent(element: HtmlElement): boolean {
  return element.tagName === 'main' || element.tagName === 'article' || attribute(element, 'role') === 'main';
}

/** Where the elements of interest of a document are. */
export interface HtmlParts {
  body: HtmlElement | undefined;
  /** `<main>` or `role="main"`. */
  mains: HtmlElement[];
  /** Articles that are not inside another one. */
  articles: HtmlElement[];
  title: HtmlElement | undefined;
  heading: HtmlElement | undefined;
  metas: HtmlElement[];
  language: string | undefined;
}

/** Finds the parts of a document in one pass. */
export function findParts(document: HtmlDocument): HtmlParts {
  const parts: HtmlParts = {
    body: undefined,
    mains: [],
    articles: [],
    title: undefined,
    heading: undefined,
    metas: [],
    language: undefined,
  };
  const insideArticle = new Set<unknown>();
  const skip = (element: HtmlElement) => element.tagName !== 'head' && isHidden(element);
  for (const node of descendants(document, skip)) {
    if (!isElement(node)) continue;
    if (insideArticle.has(node.parentNode)) insideArticle.add(node);
    else if (node.tagName === 'article') {
      insideArticle.add(node);
      parts.articles.push(node);
    }
    note(parts, node);
  }
  return parts;
}

function note(parts: HtmlParts, element: HtmlElement): void {
  if (element.tagName === 'html') parts.language = attribute(element, 'lang');
  else if (element.tagName === 'body') parts.body ??= element;
  else if (element.tagName === 'title') parts.title ??= element;
  else if (element.tagName === 'h1') parts.heading ??= element;
  else if (element.tagName === 'meta') parts.metas.push(element);
  if (element.tagName === 'main' || attribute(element, 'role') === 'main') parts.mains.push(element);
}
