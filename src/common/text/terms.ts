import { stemmer } from 'stemmer';

/** English words that carry no topic. Kept short: a word too many costs recall, a word too few only some precision. */
const STOP_WORDS = new Set(
  (
    "a about above after again against all am an and any are aren't as at be because been before being below between " +
    "both but by can can't cannot could couldn't did didn't do does doesn't doing don't down during each few for from " +
    "further had hadn't has hasn't have haven't having he her here hers herself him himself his how i if in into is " +
    "isn't it it's its itself just me more most mustn't my myself no nor not now of off on once only or other our ours " +
    "ourselves out over own same shan't she should shouldn't so some such than that the their theirs them themselves " +
    'then there these they this those through to too under until up very was we were what when where which while who ' +
    "whom why will with won't would you your yours yourself yourselves s t"
  ).split(' '),
);

/** Marks belong to their letter: without them the words of Hindi or of pointed Arabic would fall apart. */
const WORD = /[\p{L}\p{N}][\p{L}\p{N}\p{M}]*(?:['’]\p{L}[\p{L}\p{M}]*)?/gu;
const UNSPACED = new RegExp(
  `[${['Han', 'Hiragana', 'Katakana', 'Thai', 'Lao', 'Khmer', 'Myanmar'].map((name) => `\\p{Script=${name}}`).join('')}]`,
  'u',
);
/** First letter of the first script without spaces (Thai): words below it, nearly all, need no look at UNSPACED. */
const FIRST_UNSPACED = /[\u0e00-\uffff]/;
const ASCII = /^[\0-\x7f]*$/;
/** {@link WORD} for lower-case ASCII, where it takes a third of the time. */
const ASCII_WORD = /[a-z0-9]+(?:'[a-z]+)?/g;
const unspacedSegmenter = new Intl.Segmenter('en', { granularity: 'word' });

/** Terms by word. */
const cache = new Map<string, string>();
const CACHE_SIZE = 50_000;
/** Stands for "not indexed"; no term is empty. */
const STOP = '';
/** Longer "words" are keys, hashes or noise: they stay as they are. */
const LONGEST_STEMMED = 40;

/** The words of a text in order, lower case, NFKC-normalised; scripts without spaces are cut at word boundaries. */
export function words(text: string): string[] {
  if (ASCII.test(text)) return text.toLowerCase().match(ASCII_WORD) ?? [];
  const found: string[] = [];
  for (const [word] of text.normalize('NFKC').toLowerCase().matchAll(WORD)) {
    if (!FIRST_UNSPACED.test(word) || !UNSPACED.test(word)) found.push(word.replace('’', "'"));
    else for (const part of unspacedSegmenter.segment(word)) if (part.isWordLike) found.push(part.segment);
  }
  return found;
}

/** Index terms: the words of a text without stop words, stemmed (Porter, 1980) where they are plain Latin letters. */
export function terms(text: string): string[] {
  const found: string[] = [];
  for (const word of words(text)) {
    const term = termOf(word);
    if (term !== STOP) found.push(term);
  }
  return found;
}

/** What a word is indexed as; {@link STOP} for a stop word. */
function termOf(word: string): string {
  const known = cache.get(word);
  if (known !== undefined) return known;
  if (word.length > LONGEST_STEMMED) return word;
  const term = STOP_WORDS.has(word) ? STOP : stem(word);
  if (cache.size >= CACHE_SIZE) cache.clear();
  cache.set(copied(word), copied(term));
  return term;
}

function stem(word: string): string {
  const bare = word.endsWith("'s") ? word.slice(0, -2) : word;
  return /^[a-z]+$/.test(bare) ? stemmer(bare) : bare;
}

/** A copy of its own: a slice in the cache would keep the whole text it was cut from in memory. */
function copied(word: string): string {
  return Buffer.from(word, 'utf16le').toString('utf16le');
}
