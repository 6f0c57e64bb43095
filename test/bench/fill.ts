import type { CollectionDto } from '../../src/documents/dto/collection.dto.js';
import type { Corpus } from './corpus.js';
import { addDocument, get, makeCollection } from './footnote.js';

/** About eight passages a document. */
const WORDS = 2400;
const SENDERS = 4;
/** Documents after which the passages are counted again. */
const COUNTED_EVERY = 100;

/**
 * Adds documents, several at once, until there are `wanted` passages in the collection `default`.
 * @param first number of the first of them
 * @param more what a document has beside title and text, by its number
 * @returns the number of the next document
 */
export async function fill(
  url: string,
  corpus: Corpus,
  wanted: number,
  { first = 0, more = () => ({}) }: { first?: number; more?: (number: number) => object } = {},
): Promise<number> {
  await makeCollection(url, 'default');
  let number = first;
  let there = 0;
  const send = async (): Promise<void> => {
    while (there < wanted) {
      const next = number++;
      await addDocument(url, { ...corpus.document(next, WORDS), ...more(next) });
      if (number % COUNTED_EVERY === 0)
        there = (await get<CollectionDto>(`${url}/collections/default`)).chunks;
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, send));
  return number;
}
