import { analyse } from 'chardet';

/** Bytes that are looked at; more would not make the guess any better. */
const SAMPLE_BYTES = 8 * 1024;
/** How much is looked at on either side of a byte beyond ASCII. */
const CONTEXT_BYTES = 200;
/**
 * What a reading is given beside the detector's confidence (0 to 100), which is poor for a few words. Between two Latin
 * readings that are equally good, text is Western. Characters of two bytes, and Thai letters, are only believed with
 * some confidence, since most bytes make one.
 */
const CREDIT = { western: 50, usual: 40, lenient: 20 };
/** The fewer letters tell, the more a text is taken for Western: by so much for one, half of it for two, and so on. */
const CREDIT_FOR_FEW = 30;
/** A sign says a little less for a reading than a letter of its language does. */
const SIGN = 0.95;
/** How much a misfit costs: the share of what fits, to this power. */
const STRICTNESS = 3;
const STRICTNESS_OF_PAIRS = 6;

/** Encodings of the same languages. */
interface EncodingGroup {
  /** As `TextDecoder` has them. The first of those that fit equally well is taken. */
  labels: readonly string[];
  /** What the statistical detector calls them. */
  detected: readonly string[];
  /** The characters beyond ASCII of each language. */
  alphabets: readonly RegExp[];
  /** Letters among ASCII letters; an alphabet of its own; or characters of two bytes. */
  writing: 'latin' | 'other' | 'pairs';
  credit: number;
}

const GROUPS: readonly EncodingGroup[] = [
  {
    labels: ['windows-1252'],
    detected: ['ISO-8859-1', 'windows-1252'],
    alphabets: [
      /[äöüßéàèç]/i, // German
      /[àâæçéèêëîïôœùûüÿ]/i, // French
      /[áéíñóúüçàèïò·]/i, // Spanish, Catalan
      /[áâãàçéêíóôõúü]/i, // Portuguese
      /[àèéìíîòóùú]/i, // Italian
      /[áäèéêëïíöóüúûô]/i, // Dutch
      /[åäöéüšž]/i, // Swedish, Finnish
      /[æøåéèêòóôäöü]/i, // Danish, Norwegian
      /[áæðéíóöúýþ]/i, // Icelandic
    ],
    writing: 'latin',
    credit: CREDIT.western,
  },
  {
    labels: ['iso-8859-2', 'windows-1250'],
    detected: ['ISO-8859-2', 'windows-1250'],
    alphabets: [
      /[ąćęłńóśźż]/i, // Polish
      /[áčďéěíňóřšťúůýž]/i, // Czech
      /[áäčďéíĺľňóôŕšťúýž]/i, // Slovak
      /[áéíóöőúüű]/i, // Hungarian
      /[ăâîşţ]/i, // Romanian
      /[čćđšž]/i, // Croatian, Slovene
    ],
    writing: 'latin',
    credit: CREDIT.usual,
  },
  latin('windows-1254', 'ISO-8859-9', /[âçğıîİöşûü]/i), // Turkish
  latin('windows-1257', 'windows-1257', /[ąčęėįšųūž]/i, /[āčēģīķļņšūž]/i, /[äõöšüž]/i), // Baltic
  alphabet(['windows-1251'], ['windows-1251'], /\p{Script=Cyrillic}/u),
  alphabet(['koi8-u'], ['KOI8-R'], /\p{Script=Cyrillic}/u),
  alphabet(['iso-8859-5'], ['ISO-8859-5'], /\p{Script=Cyrillic}/u),
  alphabet(['windows-1253', 'iso-8859-7'], ['ISO-8859-7', 'windows-1253'], /\p{Script=Greek}/u),
  alphabet(['windows-1255'], ['ISO-8859-8', 'windows-1255'], /[א-ת]/),
  alphabet(['windows-1256'], ['windows-1256'], /[\p{Script=Arabic}\u0640]/u),
  alphabet(['iso-8859-6'], ['ISO-8859-6'], /[\p{Script=Arabic}\u0640]/u),
  { ...alphabet(['windows-874'], ['windows-874'], /\p{Script=Thai}/u), credit: CREDIT.lenient },
  pairs('shift_jis', 'Shift_JIS', /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}ー]/u),
  pairs('euc-jp', 'EUC-JP', /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}ー]/u),
  pairs('gb18030', 'GB18030', /\p{Script=Han}/u),
  pairs('big5', 'Big5', /\p{Script=Han}/u),
  pairs('euc-kr', 'EUC-KR', /\p{Script=Hangul}/u),
];

function latin(label: string, detected: string, ...alphabets: RegExp[]): EncodingGroup {
  const names = [detected, label];
  return { labels: [label], detected: names, alphabets, writing: 'latin', credit: CREDIT.usual };
}

function alphabet(labels: string[], detected: string[], letters: RegExp): EncodingGroup {
  return { labels, detected, alphabets: [letters], writing: 'other', credit: CREDIT.usual };
}

function pairs(label: string, detected: string, characters: RegExp): EncodingGroup {
  return {
    labels: [label],
    detected: [detected],
    alphabets: [characters],
    writing: 'pairs',
    credit: CREDIT.lenient,
  };
}

/**
 * The encoding of a text that is not UTF-8 and does not say what it is, as a label that `TextDecoder` knows. Weighs what
 * a statistical detector says by how well the reading's letters go together; the detector alone takes a few Western
 * words for Romanian, and Thai for Korean.
 */
export function detectEncoding(bytes: Uint8Array): string {
  const sample = sampleOf(bytes);
  const whole = confidences(sample);
  // words in ASCII, of markup or names, say nothing about other alphabets, but blur what the detector sees of them
  const bare = confidences(sample.map((byte) => (byte < 0x80 ? 0x20 : byte)));
  let best = { label: 'windows-1252', score: 0 };
  for (const { labels, detected, alphabets, writing, credit } of GROUPS) {
    const found = writing === 'other' ? bare : whole;
    const confidence = Math.max(...detected.map((name) => found.get(name) ?? 0));
    for (const label of labels) {
      const text = new TextDecoder(label).decode(sample);
      const fit = fitOf(text, alphabets, writing) ** (writing === 'pairs' ? STRICTNESS_OF_PAIRS : STRICTNESS);
      const score = fit * (confidence + credit + (credit === CREDIT.western ? creditForFew(text) : 0));
      if (score > best.score) best = { label, score };
    }
  }
  return best.label;
}

function creditForFew(text: string): number {
  return CREDIT_FOR_FEW / Math.max(1, lengthOf(text.match(/[^\p{ASCII}\P{L}]/gu)));
}

/** The bytes beyond ASCII, which tell encodings apart, with what stands around them. */
function sampleOf(bytes: Uint8Array): Uint8Array {
  const sample = new Uint8Array(Math.min(bytes.length, SAMPLE_BYTES));
  let length = 0;
  let end = 0;
  for (let at = 0; at < bytes.length && length < sample.length; at++) {
    if ((bytes[at] ?? 0) < 0x80) continue;
    const start = Math.max(end, at - CONTEXT_BYTES);
    end = Math.min(bytes.length, at + CONTEXT_BYTES, start + sample.length - length);
    sample.set(bytes.subarray(start, end), length);
    length += end - start;
    at = end - 1;
  }
  return sample.subarray(0, length);
}

function confidences(bytes: Uint8Array): Map<string, number> {
  return new Map(analyse(bytes).map(({ name, confidence }) => [name, confidence]));
}

/** What no text holds: controls, errors, and the frames of old screens, which are letters in other encodings. */
const NO_TEXT = /[\u0080-\u009f\ufffd\u2500-\u259f\ue000-\uf8ff]/gu;
/** What is no letter. */
const SIGNS = /[ªºµ]|[^\p{L}\p{M}\u0080-\u009f\ufffd\u2500-\u259f\ue000-\uf8ff]/u;
/** Signs inside words, where only quotation marks, middle dots and hyphens stand, and symbols at their beginning. */
const SIGNS_IN_WORDS =
  /(?<=\p{L})[^\p{ASCII}\p{L}\p{M}\p{C}\ufffd’·]+(?=\p{L})|(?<!\p{L})[^\p{ASCII}\p{L}\p{M}\p{P}\p{Z}\p{C}\ufffd°©](?=\p{L})/gu;
const CAPITALS_IN_WORDS = /(?<=[^\p{ASCII}\P{Ll}])[^\p{ASCII}\P{Lu}]/gu;
const CAPITALS_IN_CAPITALS = /(?<=[^\p{ASCII}\P{Lu}])[^\p{ASCII}\P{Lu}]/gu;
/** Words in capitals are rarer than others, and some encodings differ in little but the case. */
const COST_OF_CAPITALS = 0.2;

/** The share of the characters beyond ASCII that a text of one of these languages has, and where it has them. */
function fitOf(text: string, alphabets: readonly RegExp[], writing: EncodingGroup['writing']): number {
  const counts = new Map<string, number>();
  for (const [char] of text.matchAll(/\P{ASCII}/gu)) counts.set(char, (counts.get(char) ?? 0) + 1);
  const sum = (pattern: RegExp) =>
    [...counts].reduce((total, [char, count]) => (pattern.test(char) ? total + count : total), 0);
  const all = [...counts.values()].reduce((total, count) => total + count, 0);
  const letters = Math.max(...alphabets.map(sum));
  const signs = sum(SIGNS) - lengthOf(text.match(SIGNS_IN_WORDS));
  return Math.max(0, letters + SIGN * signs - misfits(text, writing)) / all;
}

function misfits(text: string, writing: EncodingGroup['writing']): number {
  return (
    lengthOf(text.match(NO_TEXT)) +
    lengthOf(text.match(CAPITALS_IN_WORDS)) +
    COST_OF_CAPITALS * lengthOf(text.match(CAPITALS_IN_CAPITALS)) +
    (writing === 'other' ? strayLetters(text) : 0)
  );
}

/** Letters beyond ASCII inside words in ASCII, or alone: in Latin texts most are, in others hardly any. */
function strayLetters(text: string): number {
  let strays = 0;
  for (const [word] of text.matchAll(/[\p{L}\p{M}\p{N}]+/gu)) {
    const plain = lengthOf(word.match(/[a-z0-9]/gi));
    if (plain > 0 || word.length === 1) strays += word.length - plain;
  }
  return strays;
}

function lengthOf(parts: readonly string[] | null): number {
  return (parts ?? []).reduce((total, { length }) => total + length, 0);
}
