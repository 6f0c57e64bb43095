import { normaliseText } from '../../normalize.js';
import { meaningfulTitle } from '../office/core-properties.js';
import { elements, textOf, type XmlElement } from '../office/xml.js';

const LONGEST_VALUE = 2000;
/** The names of properties worth keeping, with the name each is kept under; who began a document is its author. */
const NAMES = new Map([
  ['initial-creator', 'author'],
  ['creator', 'author'],
  ['subject', 'subject'],
  ['keyword', 'keywords'],
  ['description', 'description'],
  ['language', 'language'],
]);
const TIMES = new Map([
  ['creation-date', 'created'],
  ['date', 'modified'],
]);

/** What a document says about itself. */
interface OpenDocumentProperties {
  /** Undefined when there is none that says anything. */
  title: string | undefined;
  metadata: Record<string, string>;
}

/** The title and the metadata from `<office:meta>`. */
export function readProperties(meta: XmlElement | undefined): OpenDocumentProperties {
  const values = new Map<string, string[]>();
  for (const element of elements(meta)) {
    const value = normaliseText(textOf(element).slice(0, LONGEST_VALUE));
    if (value === '') continue;
    const known = values.get(element.name);
    if (known === undefined) values.set(element.name, [value]);
    else known.push(value);
  }
  const metadata = new Map<string, string>();
  for (const [property, name] of NAMES) {
    const all = values.get(property);
    if (all !== undefined && !metadata.has(name)) metadata.set(name, all.join(', ').slice(0, LONGEST_VALUE));
  }
  for (const [property, name] of TIMES) {
    const time = isoTime(values.get(property)?.[0] ?? '');
    if (time !== undefined) metadata.set(name, time);
  }
  return { title: meaningfulTitle(values.get('title')?.[0]), metadata: Object.fromEntries(metadata) };
}

/** A time to the second; one without a zone is local to the author, and stays so. */
function isoTime(value: string): string | undefined {
  const [, time, zone = ''] =
    /^(\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d)?)(?:\.\d+)?(Z|[+-]\d\d:\d\d)?$/.exec(value) ?? [];
  return time === undefined || Number.isNaN(Date.parse(time)) ? undefined : time + zone;
}
