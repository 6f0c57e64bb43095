import {
  DocumentLoader,
  titleFrom,
  UnreadableDocumentError,
  type DocumentInput,
  type LoadedDocument,
} from './loader.js';
import { coreProperties } from './office/core-properties.js';
import { OfficePackage, relationId } from './office/package.js';
import { SlideRenderer } from './office/pptx/slide-renderer.js';
import { child, elements } from './office/xml.js';
import { isZipWith } from './office/zip.js';
import { joinPages } from './paged-text.js';

/**
 * Presentations: a page a slide, hidden ones too, with their texts, tables, the numbers of charts, the texts of diagrams
 * and the speaker's notes. Pictures, comments, footers and what stands on the master are left out.
 */
export class PptxDocumentLoader extends DocumentLoader {
  override readonly name = 'pptx';
  override readonly isBinary = true;
  override readonly mediaTypes = [
    'application/vnd.openxmlformats-officedocument.presentationml.presentation',
    'application/vnd.openxmlformats-officedocument.presentationml.slideshow',
    'application/vnd.openxmlformats-officedocument.presentationml.template',
    'application/vnd.ms-powerpoint.presentation.macroenabled.12',
  ];
  override readonly extensions = ['pptx', 'pptm', 'ppsx', 'potx'];

  override recognises(bytes: Uint8Array): boolean {
    return isZipWith(bytes, /^ppt\/presentation\d*\.xml$/i);
  }

  override async load({ bytes }: DocumentInput): Promise<LoadedDocument> {
    const parts = new OfficePackage(bytes);
    const renderer = new SlideRenderer(parts);
    const slides = slideNames(parts).map((name, index) => ({
      page: index + 1,
      ...renderer.render(name, index + 1),
    }));
    const { title, metadata } = coreProperties(parts);
    const firstTitle = slides.find((slide) => slide.title !== undefined)?.title;
    return { ...joinPages(slides), title: title ?? titleFrom(firstTitle), metadata };
  }
}

/** The parts of the slides, in the order in which they are shown. */
function slideNames(parts: OfficePackage): string[] {
  const mainPart = parts.mainPart ?? 'ppt/presentation.xml';
  const root = parts.xml(mainPart);
  if (root.name !== 'presentation') throw new UnreadableDocumentError('It is no presentation.');
  const names = elements(child(root, 'sldIdLst'), 'sldId').map((slide) =>
    parts.target(mainPart, relationId(slide)),
  );
  return [...new Set(names.filter((name) => name !== undefined))];
}
