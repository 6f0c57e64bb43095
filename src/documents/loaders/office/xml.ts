import { SaxesParser } from 'saxes';
import { decodeText } from '../decode.js';
import { UnreadableDocumentError } from '../loader.js';

/** An element: names without their namespace prefixes, which differ between programs; text as strings. */
export interface XmlElement {
  name: string;
  attributes: Record<string, string>;
  children: (XmlElement | string)[];
}

const DEEPEST = 500;

/**
 * The root element of an XML part. Entities that a document type declares are not expanded.
 * @throws {UnreadableDocumentError} when it is not well-formed, or nested too deeply
 */
export function parseXml(bytes: Uint8Array): XmlElement {
  const parser = new SaxesParser({ xmlns: false });
  const root: XmlElement = { name: '', attributes: {}, children: [] };
  const open: XmlElement[] = [root];
  parser.on('opentag', ({ name, attributes }) => {
    if (open.length > DEEPEST) throw new UnreadableDocumentError('Its XML is nested too deeply.');
    const element: XmlElement = { name: localName(name), attributes: {}, children: [] };
    for (const [key, value] of Object.entries(attributes)) element.attributes[localName(key)] ??= value;
    open.at(-1)?.children.push(element);
    open.push(element);
  });
  parser.on('closetag', () => void open.pop());
  const text = (data: string): void => void open.at(-1)?.children.push(data);
  parser.on('text', text);
  parser.on('cdata', text);
  parser.on('error', (error) => {
    throw error;
  });
  try {
    parser.write(decodeText(bytes)).close();
  } catch (error) {
    if (error instanceof UnreadableDocumentError) throw error;
    throw new UnreadableDocumentError('Its XML is damaged.');
  }
  const [element] = elements(root);
  if (element === undefined) throw new UnreadableDocumentError('Its XML is empty.');
  return element;
}

/** The element's child elements, or those of one name. */
export function elements(parent: XmlElement | undefined, name?: string): XmlElement[] {
  return (parent?.children ?? []).filter(
    (child): child is XmlElement => typeof child !== 'string' && (name === undefined || child.name === name),
  );
}

/** The first element below `parent`, at any depth and in document order, that has this name. */
export function find(parent: XmlElement | undefined, name: string): XmlElement | undefined {
  for (const child of elements(parent)) {
    const found = child.name === name ? child : find(child, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** All elements of this name below `parent`, at any depth, in document order; not inside one another. */
export function findAll(parent: XmlElement | undefined, name: string): XmlElement[] {
  return elements(parent).flatMap((child) => (child.name === name ? [child] : findAll(child, name)));
}

/** All text below an element. */
export function textOf(element: XmlElement | undefined): string {
  return (element?.children ?? [])
    .map((child) => (typeof child === 'string' ? child : textOf(child)))
    .join('');
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}
