import { setImmediate } from 'node:timers/promises';
import type { PDFDocumentProxy } from 'unpdf/pdfjs';
import { UnreadableDocumentError } from '../loader.js';
import { CharacterMaps } from './cmaps.js';

/**
 * Opens a PDF for as long as it is used.
 * @throws {UnreadableDocumentError} when it cannot be opened
 */
export async function withPdf<Result>(
  bytes: Uint8Array,
  use: (pdf: PDFDocumentProxy) => Promise<Result>,
): Promise<Result> {
  // large, and only needed where documents are read
  const { getResolvedPDFJS } = await import('unpdf');
  const { getDocument } = await getResolvedPDFJS();
  const task = getDocument({
    // a copy, which pdf.js takes over
    data: new Uint8Array(bytes),
    verbosity: 0,
    // nothing is drawn: images are not unpacked, and fonts not installed
    maxImageSize: 0,
    disableFontFace: true,
    useSystemFonts: false,
    // nothing is fetched: neither tables for encodings nor fonts
    useWorkerFetch: false,
    BinaryDataFactory: CharacterMaps,
    cMapPacked: false,
    useWasm: false,
    isOffscreenCanvasSupported: false,
  });
  process.on('unhandledRejection', ignoreStray);
  try {
    return await use(await task.promise.catch(refuse));
  } finally {
    await task.destroy();
    // rejections are reported after the promises that are settled by now
    await setImmediate();
    process.off('unhandledRejection', ignoreStray);
  }
}

/** pdf.js looks ahead for pages, and leaves the errors that it meets in damaged files to nobody. */
function ignoreStray(reason: unknown): void {
  if (!(reason instanceof Error && reason.stack?.includes('pdfjs'))) throw reason;
}

function refuse(error: unknown): never {
  const isLocked = error instanceof Error && error.name === 'PasswordException';
  throw new UnreadableDocumentError(
    isLocked ? 'It is protected by a password.' : 'It is not a PDF file, or is damaged beyond repair.',
  );
}
