import { decode } from 'gpt-tokenizer/encoding/o200k_base';
import { mulberry32, themeOf, THEMES } from './themes.js';

/** The most frequent words of English, most frequent first: what BM25 and stop-word lists are made for. */
const FUNCTION_WORDS = (
  'the of and to in a is that for it as was with be by on not he this are or his from at which but have an had they ' +
  'you were their one all we can her has there been if more when will would who so no'
).split(' ');
const VOCABULARY_SIZE = 20_000;
/** Zipf–Mandelbrot: the frequency of the word of rank r is proportional to 1 / (r + shift). */
const RANK_SHIFT = 2.7;
/** Words of this rank and above name something; a question is made of a few of them. */
const FIRST_TOPIC_RANK = 300;
const WORDS_A_DOCUMENT = 60_000;
/** Text keeps to its subject (burstiness, Church & Gale 1995): words that a document, or a section of it, says often. */
const DOCUMENT_WORDS = 60;
const SECTION_WORDS = 12;
/** What a document is about; each of its sections is about one of these. */
const DOCUMENT_THEMES = 3;
/** Share of all words that are taken from those. */
const DOCUMENT_SHARE = 0.15;
const SECTION_SHARE = 0.15;

/** A document as `POST /documents` takes it. */
export interface BenchDocument {
  title: string;
  text: string;
}

/**
 * Texts that are no English but are distributed like it (words by Zipf's law, subjects, sentences, paragraphs,
 * headings), the same for the same seed: enough for BM25, vectors, tokenizer, chunker and sentence splitter to have
 * their usual work.
 */
export class Corpus {
  readonly #random: () => number;
  readonly #words = vocabulary();
  readonly #ranks = new Map(this.#words.map((word, rank) => [word, rank]));
  readonly #cumulative: Float64Array;
  /** The words of each theme that name something. */
  readonly #themes = Map.groupBy(this.#words.slice(FIRST_TOPIC_RANK), themeOf);
  /** The words of each sentence that name something, first those that its section or document is about. */
  readonly #topics: string[][] = [];

  constructor(seed = 1) {
    this.#random = mulberry32(seed);
    let sum = 0;
    this.#cumulative = Float64Array.from(this.#words, (_word, rank) => (sum += 1 / (rank + 1 + RANK_SHIFT)));
  }

  /** The next document; with as many words as by default it has about 200 chunks. */
  document(number: number, wanted = WORDS_A_DOCUMENT): BenchDocument {
    const blocks: string[] = [];
    const themes = Array.from({ length: DOCUMENT_THEMES }, () => this.#between(0, THEMES - 1));
    const subject = this.#wordsOf(DOCUMENT_WORDS, themes);
    for (let words = 0; words < wanted;) {
      const section = this.#wordsOf(SECTION_WORDS, [themes[this.#between(0, DOCUMENT_THEMES - 1)] ?? 0]);
      blocks.push(`## ${capital(this.#oneOf(section))} ${this.#pick()} ${this.#oneOf(subject)}`);
      const paragraphs = this.#between(4, 10);
      for (let i = 0; i < paragraphs; i++) {
        const sentences = Array.from({ length: this.#between(4, 8) }, () => this.#sentence(subject, section));
        for (const sentence of sentences) words += sentence.length;
        blocks.push(sentences.map((sentence) => `${capital(sentence.join(' '))}.`).join(' '));
      }
    }
    return { title: `Volume ${number}`, text: blocks.join('\n\n') };
  }

  /** Distinct questions, each about one sentence of the documents made so far. */
  questions(count: number): string[] {
    const questions = new Set<string>();
    while (questions.size < count) {
      const topics = this.#topics[this.#between(0, this.#topics.length - 1)]?.slice(0, 4) ?? [];
      if (topics.length >= 3) questions.add(`What is said of the ${topics.join(' and the ')}?`);
    }
    return [...questions];
  }

  /** `count` pieces of an answer, as a model streams them: words of the corpus, in sentences with source markers. */
  answer(count: number): string[] {
    return Array.from({ length: count }, (_, index) => {
      const word = this.#pick();
      if (index % 25 === 0) return index === 0 ? capital(word) : ` ${capital(word)}`;
      return index % 25 === 24 ? ` [${(index + 1) / 25}].` : ` ${word}`;
    });
  }

  #sentence(subject: readonly string[], section: readonly string[]): string[] {
    const own: string[] = [];
    const others: string[] = [];
    const words = Array.from({ length: this.#between(8, 22) }, () => {
      const source = this.#random();
      const isOwn = source < SECTION_SHARE + DOCUMENT_SHARE;
      const word = isOwn ? this.#oneOf(source < SECTION_SHARE ? section : subject) : this.#pick();
      if (isOwn) own.push(word);
      else if ((this.#ranks.get(word) ?? 0) >= FIRST_TOPIC_RANK) others.push(word);
      return word;
    });
    this.#topics.push([...new Set([...own, ...others])]);
    return words;
  }

  #wordsOf(count: number, themes: readonly number[]): string[] {
    const words = themes.flatMap((theme) => this.#themes.get(theme) ?? []);
    return Array.from({ length: count }, () => this.#oneOf(words));
  }

  #oneOf(words: readonly string[]): string {
    return words[this.#between(0, words.length - 1)] ?? '';
  }

  #pick(): string {
    const cumulative = this.#cumulative;
    const wanted = this.#random() * (cumulative.at(-1) ?? 0);
    let low = 0;
    let high = cumulative.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((cumulative[middle] ?? 0) < wanted) low = middle + 1;
      else high = middle;
    }
    return this.#words[low] ?? '';
  }

  #between(least: number, most: number): number {
    return least + Math.floor(this.#random() * (most - least + 1));
  }
}

/**
 * Real words, most frequent first, without a download: a byte-pair vocabulary is learned in the order of frequency, so
 * its whole words come in about that order too.
 */
export function vocabulary(): string[] {
  const words = new Set(FUNCTION_WORDS);
  for (let token = 256; words.size < VOCABULARY_SIZE; token++) {
    const text = decode([token]);
    if (/^ [a-z]{3,}$/.test(text)) words.add(text.slice(1));
  }
  return [...words];
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
