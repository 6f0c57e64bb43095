import { child, elements, find, type XmlElement } from '../xml.js';

/** The place of a layout that a shape fills. */
export interface Placeholder {
  type: string;
  index: string | undefined;
}

/** A shape that can hold text. */
export interface SlideShape {
  element: XmlElement;
  /** Its text, where it has one of its own; else it is a frame around a table, chart or diagram. */
  body: XmlElement | undefined;
  placeholder: Placeholder | undefined;
}

/** On every slide, and about none: its date, number, footer and header; and on notes, the picture of the slide. */
const SURROUNDING = new Set(['dt', 'sldNum', 'ftr', 'hdr', 'sldImg']);
const FRAMED = new Set(['tbl', 'chart', 'relIds']);

/** The shapes of a slide that hold text, those of groups too, in the order in which they are kept. */
export function shapesOf(slide: XmlElement): SlideShape[] {
  const shapes: SlideShape[] = [];
  collect(find(slide, 'spTree'), shapes);
  return shapes;
}

/** True for the title of a slide. */
export function isTitle({ placeholder }: SlideShape): boolean {
  return placeholder?.type === 'title' || placeholder?.type === 'ctrTitle';
}

/** True for places that say nothing about a slide. */
export function isSurrounding({ type }: Placeholder): boolean {
  return SURROUNDING.has(type);
}

/** What a frame holds. */
export function framedElement(shape: SlideShape): XmlElement | undefined {
  const data = child(child(shape.element, 'graphic'), 'graphicData');
  return elements(data).find(({ name }) => FRAMED.has(name));
}

function collect(parent: XmlElement | undefined, shapes: SlideShape[]): void {
  for (const element of elements(parent)) {
    if (element.name === 'AlternateContent') collectAlternatives(element, shapes);
    else if (element.name === 'grpSp') collect(element, shapes);
    else add(element, shapes);
  }
}

/** Takes what newer programs show; where there is nothing to read in it, what older ones do. */
function collectAlternatives(alternatives: XmlElement, shapes: SlideShape[]): void {
  const before = shapes.length;
  for (const alternative of elements(alternatives)) {
    collect(alternative, shapes);
    if (shapes.length > before) return;
  }
}

function add(element: XmlElement, shapes: SlideShape[]): void {
  const shape = { element, body: child(element, 'txBody'), placeholder: placeholderOf(element) };
  if (shape.placeholder !== undefined && isSurrounding(shape.placeholder)) return;
  const hasText =
    shape.body === undefined ? framedElement(shape) !== undefined : find(shape.body, 't') !== undefined;
  if (hasText) shapes.push(shape);
}

/** The placeholder that a shape is, on a slide or in a layout. */
export function placeholderOf(shape: XmlElement): Placeholder | undefined {
  for (const part of elements(shape)) {
    const placeholder = part.name.startsWith('nv') ? child(child(part, 'nvPr'), 'ph') : undefined;
    if (placeholder !== undefined)
      return { type: placeholder.attributes['type'] ?? 'obj', index: placeholder.attributes['idx'] };
  }
  return undefined;
}
