import { normaliseText } from '../normalize.js';
import {
  DocumentLoader,
  titleFrom,
  UnreadableDocumentError,
  type DocumentInput,
  type LoadedDocument,
} from './loader.js';
import { BlockWriter } from './office/block-writer.js';
import { coreProperties } from './office/core-properties.js';
import { BodyRenderer } from './office/docx/body-renderer.js';
import { valueOf } from './office/docx/flags.js';
import { Notes } from './office/docx/notes.js';
import { Numbering } from './office/docx/numbering.js';
import { Styles } from './office/docx/styles.js';
import { OfficePackage } from './office/package.js';
import { child, findAll, textOf, type XmlElement } from './office/xml.js';
import { isZipWith } from './office/zip.js';

/**
 * Word documents: headings, lists and their numbers, tables, notes, equations and text boxes. What is deleted or hidden,
 * headers and footers, comments, pictures and tables of contents are left out.
 */
export class DocxDocumentLoader extends DocumentLoader {
  override readonly name = 'docx';
  override readonly isBinary = true;
  override readonly mediaTypes = [
    'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
    'application/vnd.openxmlformats-officedocument.wordprocessingml.template',
    'application/vnd.ms-word.document.macroenabled.12',
  ];
  override readonly extensions = ['docx', 'docm', 'dotx'];

  override recognises(bytes: Uint8Array): boolean {
    return isZipWith(bytes, /^word\/document\d*\.xml$/i);
  }

  override async load({ bytes }: DocumentInput): Promise<LoadedDocument> {
    const parts = new OfficePackage(bytes);
    const mainPart = parts.mainPart ?? 'word/document.xml';
    const body = child(parts.xml(mainPart), 'body');
    if (body === undefined) throw new UnreadableDocumentError('It is no Word document.');
    const related = (type: string) => parts.optionalXml(parts.relatedTo(mainPart, type)[0]);
    const styles = new Styles(related('styles'));
    const numbering = new Numbering(related('numbering'), styles);
    const notes = new Notes(related('footnotes'), related('endnotes'));
    const writer = new BlockWriter();
    const renderer = new BodyRenderer(
      { package: parts, mainPart, styles, numbering, notes },
      writer,
      hasTitle(body, styles),
    );
    renderer.render(body);
    const { title, metadata } = coreProperties(parts);
    return {
      text: normaliseText(writer.finish()),
      title: title ?? titleFrom(renderer.firstHeading),
      metadata,
    };
  }
}

/** True when a paragraph is styled as the title of the document. */
function hasTitle(body: XmlElement, styles: Styles): boolean {
  return findAll(body, 'p').some(
    (paragraph) =>
      styles.paragraph(valueOf(child(paragraph, 'pPr'), 'pStyle')).role === 'title' &&
      textOf(paragraph).trim() !== '',
  );
}
