import { decode } from 'gpt-tokenizer/encoding/o200k_base';

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

/** A document as `POST /documents` takes it. */
export interface BenchDocument {
  title: string;
  text: string;
}

/**
 * Texts that are no English but are distributed like it (words by Zipf's law, sentences, paragraphs, headings), the
 * same for the same seed: enough for BM25, tokenizer, chunker and sentence splitter to have their usual work.
 */
export class Corpus {
  readonly #random: () => number;
  readonly #words = vocabulary();
  readonly #cumulative: Float64Array;
  readonly #sentences: string[][] = [];

  constructor(seed = 1) {
    this.#random = mulberry32(seed);
    let sum = 0;
    this.#cumulative = Float64Array.from(this.#words, (_word, rank) => (sum += 1 / (rank + 1 + RANK_SHIFT)));
  }

  /** The next document, of about 200 chunks. */
  document(number: number): BenchDocument {
    const blocks: string[] = [];
    for (let words = 0; words < WORDS_A_DOCUMENT;) {
      blocks.push(`## ${capital(this.#pick())} ${this.#pick()} ${this.#pick()}`);
      const paragraphs = this.#between(4, 10);
      for (let i = 0; i < paragraphs; i++) {
        const sentences = Array.from({ length: this.#between(4, 8) }, () => this.#sentence());
        for (const sentence of sentences) words += sentence.length;
        blocks.push(sentences.map((sentence) => `${capital(sentence.join(' '))}.`).join(' '));
      }
    }
    return { title: `Volume ${number}`, text: blocks.join('\n\n') };
  }

  /** Distinct questions, each about one sentence of the documents made so far. */
  questions(count: number): string[] {
    const questions = new Set<string>();
    const ranks = new Map(this.#words.map((word, rank) => [word, rank]));
    while (questions.size < count) {
      const sentence = this.#sentences[this.#between(0, this.#sentences.length - 1)] ?? [];
      const topics = sentence.filter((word) => (ranks.get(word) ?? 0) >= FIRST_TOPIC_RANK).slice(0, 4);
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

  #sentence(): string[] {
    const words = Array.from({ length: this.#between(8, 22) }, () => this.#pick());
    this.#sentences.push(words);
    return words;
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
function vocabulary(): string[] {
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

/** A small generator of uniform numbers in 0..1 (Tommy Ettinger, public domain), so that every run sees the same texts. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
