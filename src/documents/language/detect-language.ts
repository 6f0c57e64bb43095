import type { Language } from './languages.js';

/** Letters of a text below which its language is a guess: of 40, one sentence in fifty is told wrong. */
const FEWEST_LETTERS = 40;
/** Places of a text that are looked at, and characters read at each: a preface or a quotation is not the whole. */
const SAMPLES = 5;
const SAMPLE_LENGTH = 1000;
/** Of the samples, how many have to be of one language. */
const MAJORITY = 0.5;

/** Numbers, keys, addresses, paths and code: they are of no language. */
const NOISE = /^[!-~]*[0-9@/\\_<>{}=][!-~]*$/;
const LETTER = /\p{L}/gu;

/** By ISO 639-1. Malay stands for Indonesian, which it is not told from and shares its affixes with. */
const STEMMED: Readonly<Record<string, Language>> = {
  ar: 'arabic',
  ca: 'catalan',
  da: 'danish',
  de: 'german',
  el: 'greek',
  en: 'english',
  es: 'spanish',
  eu: 'basque',
  fi: 'finnish',
  fr: 'french',
  hi: 'hindi',
  hu: 'hungarian',
  hy: 'armenian',
  it: 'italian',
  lt: 'lithuanian',
  ms: 'indonesian',
  nl: 'dutch',
  no: 'norwegian',
  pt: 'portuguese',
  ro: 'romanian',
  ru: 'russian',
  sr: 'serbian',
  sv: 'swedish',
  ta: 'tamil',
  tr: 'turkish',
};

/**
 * Languages in Latin letters that PostgreSQL has no stemmer for: English rules would cut their words wrongly. Those of
 * other scripts (Chinese, Thai, Ukrainian, …) English rules leave alone, but for the English words in them.
 */
const UNSTEMMED = new Set([
  'az',
  'cs',
  'et',
  'hr',
  'is',
  'ku',
  'lv',
  'pl',
  'sk',
  'sl',
  'sq',
  'tl',
  'vi',
  'yo',
]);

/**
 * The language in which a text's words are stemmed best: that of most of it. `english` where that is not sure, because
 * the text is short, in several languages, or hardly one (code, tables); `simple` for what cannot be stemmed.
 */
export async function detectLanguage(text: string): Promise<Language> {
  const samples = samplesOf(text);
  if (letters(samples.join(' ')) < FEWEST_LETTERS) return 'english';
  // 30 MB and a fifth of a second, for the first document of a collection only
  const { eld } = await import('eld/extrasmall');
  const votes = new Map<string, number>();
  for (const sample of samples) {
    const found = eld.detect(sample);
    if (found.isReliable()) votes.set(found.language, (votes.get(found.language) ?? 0) + 1);
  }
  const [code] = [...votes].find(([, count]) => count > samples.length * MAJORITY) ?? ['en'];
  return STEMMED[code] ?? (UNSTEMMED.has(code) ? 'simple' : 'english');
}

/** Pieces of the text, evenly spread over it, without what is of no language. */
function samplesOf(text: string): string[] {
  const count = Math.min(SAMPLES, Math.ceil(text.length / SAMPLE_LENGTH));
  const step = count < 2 ? 0 : (text.length - SAMPLE_LENGTH) / (count - 1);
  return Array.from({ length: count }, (_, index) => {
    const from = Math.round(index * step);
    const words = text
      .slice(from, from + SAMPLE_LENGTH)
      .normalize('NFC')
      .split(/\s+/);
    return words.filter((word) => !NOISE.test(word)).join(' ');
  }).filter((sample) => letters(sample) > 0);
}

function letters(text: string): number {
  return text.match(LETTER)?.length ?? 0;
}
