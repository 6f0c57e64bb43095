import { UnreadableDocumentError } from '../loader.js';
import { elements, parseXml, type XmlElement } from './xml.js';
import { ZipArchive } from './zip.js';

/** What a part is related to, by the name under which the part mentions it. */
type Relations = ReadonlyMap<string, Relation>;

interface Relation {
  /** The last word of its type; what stands before it differs between editions of the standard. */
  type: string;
  /** Name of a part. */
  target: string;
}

/** The parts of an Office document, and how they are related to one another. */
export class OfficePackage {
  readonly #archive: ZipArchive;
  readonly #relations = new Map<string, Relations>();
  /** Part names by their lower case: names that differ only in it are the same, and programs write both. */
  readonly #names: Map<string, string>;

  /** @throws {UnreadableDocumentError} when the archive is damaged */
  constructor(archive: ZipArchive | Uint8Array) {
    this.#archive = archive instanceof ZipArchive ? archive : new ZipArchive(archive);
    this.#names = new Map(this.#archive.names.map((name) => [name.toLowerCase(), name]));
  }

  /** Name of the part that the package is about, such as the text of a document. */
  get mainPart(): string | undefined {
    return this.relatedTo('', 'officeDocument')[0];
  }

  /**
   * A part's root element.
   * @throws {UnreadableDocumentError} when there is none of this name, or it is damaged
   */
  xml(name: string): XmlElement {
    const bytes = this.#read(name);
    if (bytes === undefined) throw new UnreadableDocumentError(`It lacks its part "${name}".`);
    return parseXml(bytes);
  }

  /** The root element of a part without which the document can be read, undefined when it is missing or damaged. */
  optionalXml(name: string | undefined): XmlElement | undefined {
    try {
      const bytes = name === undefined ? undefined : this.#read(name);
      return bytes && parseXml(bytes);
    } catch (error) {
      if (error instanceof UnreadableDocumentError) return undefined;
      throw error;
    }
  }

  /** The part that another one mentions under `id`. */
  target(source: string, id: string | undefined): string | undefined {
    return id === undefined ? undefined : this.#relationsOf(source).get(id)?.target;
  }

  /** The parts of a type that a part is related to. */
  relatedTo(source: string, type: string): string[] {
    return [...this.#relationsOf(source).values()]
      .filter((relation) => relation.type === type)
      .map((relation) => relation.target);
  }

  #read(name: string): Uint8Array | undefined {
    return this.#archive.read(this.#names.get(name.toLowerCase()) ?? name);
  }

  #relationsOf(source: string): Relations {
    const known = this.#relations.get(source);
    if (known !== undefined) return known;
    const folder = source.slice(0, source.lastIndexOf('/') + 1);
    const root = this.optionalXml(`${folder}_rels/${source.slice(folder.length)}.rels`);
    const relations = new Map<string, Relation>();
    for (const { attributes } of elements(root, 'Relationship')) {
      const { Id: id, Type: type = '', Target: target = '', TargetMode: mode } = attributes;
      if (id === undefined || mode === 'External') continue;
      relations.set(id, { type: type.slice(type.lastIndexOf('/') + 1), target: resolve(folder, target) });
    }
    this.#relations.set(source, relations);
    return relations;
  }
}

/** The id under which an element mentions another part; its prefix tells it from an id of the element's own. */
export function relationId({ attributes }: XmlElement): string | undefined {
  const prefixed = Object.keys(attributes).find((name) => name.endsWith(':id'));
  return attributes[prefixed ?? 'id'];
}

/** The name of a part from a reference to it. */
function resolve(folder: string, reference: string): string {
  const path = decoded(reference.replace(/#.*$/s, '').replaceAll('\\', '/'));
  const steps: string[] = [];
  for (const step of (path.startsWith('/') ? path : folder + path).split('/')) {
    if (step === '..') steps.pop();
    else if (step !== '' && step !== '.') steps.push(step);
  }
  return steps.join('/');
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
