import { elements, type XmlElement } from '../office/xml.js';
import { BlockReader } from './block-reader.js';
import type { OpenDocumentParts } from './package.js';
import { PageCounter } from './page-counter.js';
import { TextBlocks } from './text-blocks.js';

/** Fields that every slide repeats. */
const SURROUNDINGS = new Set(['header', 'footer', 'date-time', 'page-number']);

/** The slides of a presentation in order, each as Markdown with its title as a heading, and its number. */
export function readSlides(
  parts: OpenDocumentParts,
  presentation: XmlElement,
): { page: number; text: string; title: string | undefined }[] {
  const reader = new BlockReader(parts, new PageCounter());
  return elements(presentation, 'page').map((slide, index) => {
    const blocks = readSlide(reader, slide);
    const notes = readNotes(reader, slide);
    const text = notes === '' ? blocks.markdown : `${blocks.markdown}\n\nNotes: ${notes}`;
    return { page: index + 1, text, title: blocks.firstHeading };
  });
}

function readSlide(reader: BlockReader, slide: XmlElement): TextBlocks {
  const blocks = new TextBlocks();
  const shapes = elements(slide).filter(
    (shape) => shape.name !== 'notes' && !SURROUNDINGS.has(shape.attributes['class'] ?? ''),
  );
  const titleShape = shapes.find(({ attributes }) => attributes['class'] === 'title');
  if (titleShape !== undefined) blocks.heading(2, reader.readApart(titleShape).flat);
  const content = shapes.filter((shape) => shape !== titleShape);
  reader.read({ name: 'page', attributes: {}, children: content }, blocks);
  return blocks;
}

/** What the speaker notes; pages of notes also repeat the slide's number and date. */
function readNotes(reader: BlockReader, slide: XmlElement): string {
  const notes = elements(slide, 'notes').flatMap((page) => elements(page));
  const children = notes.filter(({ attributes }) => attributes['class'] === 'notes');
  return reader.readApart({ name: 'notes', attributes: {}, children }).markdown;
}
