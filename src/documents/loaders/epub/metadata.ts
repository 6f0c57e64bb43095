import { normaliseText } from '../../normalize.js';
import { htmlText } from '../html.loader.js';
import { findAll, textOf, type XmlElement } from '../office/xml.js';

/** Characters of a value that are kept. */
const LONGEST_VALUE = 2000;
/** What programs write where they know none. */
const NO_TITLE = /^\W*(?:unknown|untitled)(?: title)?\W*$/i;
const DATE =
  /^[1-9]\d{3}(?:-\d{2}(?:-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?)?)?$/;

/** The title of a book, from what its package says about it. */
export function bookTitle(metadata: XmlElement | undefined): string | undefined {
  return valuesOf(metadata, 'title').find((title) => !NO_TITLE.test(title));
}

/** What the package of a book says about it. */
export function bookMetadata(metadata: XmlElement | undefined): Record<string, string> {
  const [description = ''] = valuesOf(metadata, 'description');
  const found: Record<string, string | undefined> = {
    author: authorsOf(metadata).join(', '),
    subject: valuesOf(metadata, 'subject').join(', '),
    description: /<\w/.test(description) ? htmlText(description) : description,
    language: valuesOf(metadata, 'language')[0],
    created: datesOf(metadata, false)[0],
    modified: datesOf(metadata, true)[0],
  };
  const kept: Record<string, string> = {};
  for (const [name, value = ''] of Object.entries(found))
    if (value !== '') kept[name] = value.slice(0, LONGEST_VALUE);
  return kept;
}

function valuesOf(metadata: XmlElement | undefined, name: string): string[] {
  return findAll(metadata, name)
    .map(valueOf)
    .filter((value) => value !== '');
}

function valueOf(element: XmlElement): string {
  return normaliseText(textOf(element).slice(0, 2 * LONGEST_VALUE)).replace(/\s+/g, ' ');
}

/** Those who wrote the book; where none is named as such, all who made it. */
function authorsOf(metadata: XmlElement | undefined): string[] {
  const roles = new Map<string, string>();
  for (const meta of findAll(metadata, 'meta')) {
    const { property, refines } = meta.attributes;
    if (property === 'role' && refines !== undefined) roles.set(refines, valueOf(meta));
  }
  const makers = findAll(metadata, 'creator').map((creator) => ({
    name: valueOf(creator),
    role: creator.attributes['role'] ?? roles.get(`#${creator.attributes['id'] ?? ''}`) ?? 'aut',
  }));
  const authors = makers.filter(({ role }) => role === 'aut');
  return (authors.length > 0 ? authors : makers).map(({ name }) => name).filter((name) => name !== '');
}

function datesOf(metadata: XmlElement | undefined, modified: boolean): string[] {
  const dates = findAll(metadata, 'date').filter(
    ({ attributes }) => (attributes['event'] === 'modification') === modified,
  );
  const metas = findAll(metadata, 'meta').filter(
    ({ attributes }) => modified && attributes['property'] === 'dcterms:modified',
  );
  return [...metas, ...dates].map(valueOf).filter((date) => DATE.test(date));
}
