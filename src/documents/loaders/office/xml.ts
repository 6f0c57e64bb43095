import { SaxesParser } from 'saxes';
import { asciiHead, decodeText } from '../decode.js';
import { UnreadableDocumentError } from '../loader.js';

/** An element: names without their namespace prefixes, which differ between programs; text as strings. */
export interface XmlElement {
  name: string;
  /** Where two have the same name but for their prefix, the one without is meant; the other has its whole name. */
  attributes: Record<string, string>;
  children: (XmlElement | string)[];
}

const DEEPEST = 500;
/** A few kilobytes of an archive can unpack to millions of elements, each of which takes far more memory. */
const MOST_ELEMENTS = 3_000_000;
/** Most elements have no attributes; they share these. */
const NO_ATTRIBUTES: Record<string, string> = Object.freeze({});

/**
 * The root element of an XML part. Entities that a document type declares are not expanded.
 * @throws {UnreadableDocumentError} when it is not well-formed, nested too deeply or too large
 */
export function parseXml(bytes: Uint8Array): XmlElement {
  const [root] = elements(parseTree(textIn(bytes)));
  if (root === undefined) throw damaged();
  return root;
}

function textIn(bytes: Uint8Array): string {
  try {
    return decodeText(bytes, encodingOf(bytes));
  } catch (error) {
    throw error instanceof UnreadableDocumentError ? damaged() : error;
  }
}

/** An element around the root element. */
function parseTree(text: string): XmlElement {
  const parser = new SaxesParser({ xmlns: false, position: false });
  const document: XmlElement = { name: '', attributes: NO_ATTRIBUTES, children: [] };
  const open: XmlElement[] = [document];
  const names = new Map<string, string>();
  let count = 0;
  parser.on('opentag', ({ name, attributes }) => {
    if (open.length > DEEPEST) throw new UnreadableDocumentError('Its XML is nested too deeply.');
    if (++count > MOST_ELEMENTS)
      throw new UnreadableDocumentError(`Its XML has more than ${MOST_ELEMENTS} elements.`);
    const element: XmlElement = {
      name: localName(name, names),
      attributes: localAttributes(attributes, names),
      children: [],
    };
    open.at(-1)?.children.push(element);
    open.push(element);
  });
  parser.on('closetag', () => void open.pop());
  const addText = (data: string): void => void open.at(-1)?.children.push(data);
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.on('error', () => {
    throw damaged();
  });
  parser.write(text).close();
  return document;
}

/** The declared encoding, or the one that shows where there is no byte order mark. */
function encodingOf(bytes: Uint8Array): string | undefined {
  const [a, b, c, d] = bytes;
  if (a === 0x3c && b === 0 && d === 0) return 'utf-16le';
  if (a === 0 && b === 0x3c && c === 0) return 'utf-16be';
  const label = /^\s*<\?xml\b[^>]{0,200}?\bencoding\s*=\s*["']([\w.:+-]+)/.exec(asciiHead(bytes, 300))?.[1];
  // a declaration that could be read this far is not UTF-16, whatever it says
  return label !== undefined && /^utf-?16/i.test(label) ? 'utf-8' : label;
}

function localAttributes(
  attributes: Record<string, string>,
  names: Map<string, string>,
): Record<string, string> {
  let local: Record<string, string> | undefined;
  for (const name in attributes) {
    local ??= {};
    const short = localName(name, names);
    const value = attributes[name] ?? '';
    if (!Object.hasOwn(local, short)) local[short] = value;
    else if (short !== name) local[name] = value;
    else {
      // the name that the other one had is not known any more, and does not matter
      local[`:${short}`] = local[short] ?? '';
      local[short] = value;
    }
  }
  return local ?? NO_ATTRIBUTES;
}

/** The element's child elements, or those of one name. */
export function elements(parent: XmlElement | undefined, name?: string): XmlElement[] {
  return (parent?.children ?? []).filter(
    (child): child is XmlElement => typeof child !== 'string' && (name === undefined || child.name === name),
  );
}

/** The element's first child element of this name. */
export function child(parent: XmlElement | undefined, name: string): XmlElement | undefined {
  for (const node of parent?.children ?? []) if (typeof node !== 'string' && node.name === name) return node;
  return undefined;
}

/** The first element below `parent`, at any depth and in document order, that has this name. */
export function find(parent: XmlElement | undefined, name: string): XmlElement | undefined {
  for (const node of parent?.children ?? []) {
    if (typeof node === 'string') continue;
    const found = node.name === name ? node : find(node, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** All elements of this name below `parent`, at any depth, in document order; not inside one another. */
export function findAll(parent: XmlElement | undefined, name: string): XmlElement[] {
  const found: XmlElement[] = [];
  const search = (element: XmlElement | undefined): void => {
    for (const node of element?.children ?? []) {
      if (typeof node === 'string') continue;
      if (node.name === name) found.push(node);
      else search(node);
    }
  };
  search(parent);
  return found;
}

/** All text below an element. */
export function textOf(element: XmlElement | undefined): string {
  const parts: string[] = [];
  const collect = (parent: XmlElement | undefined): void => {
    for (const node of parent?.children ?? []) {
      if (typeof node === 'string') parts.push(node);
      else collect(node);
    }
  };
  collect(element);
  return parts.join('');
}

/** @param names those of the document so far: a part of a few dozen names has millions of elements, which share them */
function localName(name: string, names: Map<string, string>): string {
  const known = names.get(name);
  if (known !== undefined) return known;
  const local = name.slice(name.indexOf(':') + 1);
  names.set(name, local);
  return local;
}

function damaged(): UnreadableDocumentError {
  return new UnreadableDocumentError('Its XML is damaged.');
}
