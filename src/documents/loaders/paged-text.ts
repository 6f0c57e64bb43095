import { normaliseText } from '../normalize.js';
import type { LoadedDocument } from './loader.js';

/** Text made of pages (or slides) in order, with where each of them is. Pages without text are left out. */
export function joinPages(
  pages: readonly { page: number; text: string }[],
): Required<Pick<LoadedDocument, 'text' | 'pages'>> {
  const spans: Required<LoadedDocument>['pages'] = [];
  const parts: string[] = [];
  let length = 0;
  for (const { page, text } of pages) {
    const normal = normaliseText(text);
    if (normal === '') continue;
    const start = length === 0 ? 0 : length + 2;
    length = start + normal.length;
    parts.push(normal);
    spans.push({ start, end: length, page });
  }
  return { text: parts.join('\n\n'), pages: spans };
}
