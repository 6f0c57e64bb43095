import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { words } from '../../common/index.js';
import { parseCondensed, parseRephrasings } from './rewriting.js';

const QUESTION = 'And who approves it?';
const STANDALONE = 'Who approves the rotation of a key?';
const json = (question: unknown = STANDALONE) => JSON.stringify({ question });
const list = (...rephrasings: unknown[]) => JSON.stringify({ rephrasings });

/** Anything that a model may write in place of what it was asked for. */
const garbage = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.json(),
  fc
    .record({
      question: fc.jsonValue(),
      rephrasings: fc.oneof(fc.jsonValue(), fc.array(fc.string({ unit: 'binary' }))),
    })
    .map((value) => JSON.stringify(value)),
  fc
    .array(fc.constantFrom('{', '}', '"', 'question', 'rephrasings', ':', ',', '[', ']', 'a b'))
    .map((parts) => parts.join('')),
);

/** Expects what can be searched: words, on one line, not too long, and nothing that a database cannot take. */
function expectSearchable(text: string): void {
  expect(words(text).length).toBeGreaterThan(0);
  expect(text.length).toBeLessThanOrEqual(1_000);
  expect(text).toBe(text.trim());
  expect(text).not.toMatch(/[\0\r\n]/);
  expect(text.isWellFormed()).toBe(true);
}

describe('parseCondensed', () => {
  it.each<[string, string]>([
    ['alone', json()],
    ['in a code fence', `\`\`\`json\n${json()}\n\`\`\``],
    ['between words', `Here it is:\n${json()}\nAnything else?`],
    ['beside other keys', JSON.stringify({ reason: 'it', question: STANDALONE })],
    ['on several lines', json('  Who approves\nthe rotation\tof a\0key? ')],
  ])('reads the question %s', (_, text) => {
    expect(parseCondensed(text, QUESTION)).toBe(STANDALONE);
  });

  it.each<[string, string]>([
    ['nothing', ''],
    ['an answer', 'The security team approves it.'],
    ['a cut object', json().slice(0, -4)],
    ['two objects', json() + json()],
    ['no question', '{"answer": "The security team."}'],
    ['a list', json([STANDALONE])],
    ['a blank question', json(' \n')],
    ['signs only', json('???')],
    ['too long a question', json('word '.repeat(201))],
    ['the question itself', json('and who  approves it')],
  ])('makes nothing of %s', (_, text) => {
    expect(parseCondensed(text, QUESTION)).toBeUndefined();
  });

  it('gives what can be searched or nothing, for any text', () => {
    fc.assert(
      fc.property(garbage, (text) => {
        const condensed = parseCondensed(text, QUESTION);
        if (condensed !== undefined) expectSearchable(condensed);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('parseRephrasings', () => {
  it('takes as many as were asked for, in their order', () => {
    const text = `Sure:\n${list('Who signs off?', 'Who permits it?', 'Whose approval is needed?')}`;
    expect(parseRephrasings(text, QUESTION, 2)).toEqual(['Who signs off?', 'Who permits it?']);
    expect(parseRephrasings(text, QUESTION, 5)).toHaveLength(3);
  });

  it('passes over what is no question, and what says the same words again', () => {
    const text = list(
      '',
      7,
      null,
      ['Who?'],
      'and who approves it',
      'Who signs off?',
      'who signs off',
      '  Who\npermits it?',
    );
    expect(parseRephrasings(text, QUESTION, 5)).toEqual(['Who signs off?', 'Who permits it?']);
  });

  it.each<[string, string]>([
    ['nothing', ''],
    ['a bare list', '["Who signs off?"]'],
    ['lines', '1. Who signs off?\n2. Who permits it?'],
    ['a text in place of the list', JSON.stringify({ rephrasings: 'Who signs off?' })],
    ['a cut object', list('Who signs off?').slice(0, -2)],
    ['endless depth', `{"rephrasings":${'['.repeat(100_000)}}`],
  ])('makes nothing of %s', (_, text) => {
    expect(parseRephrasings(text, QUESTION, 3)).toEqual([]);
  });

  it('gives what can be searched, each once, and never more than wanted, for any text', () => {
    fc.assert(
      fc.property(garbage, fc.string(), fc.integer({ min: 2, max: 5 }), (text, question, most) => {
        const found = parseRephrasings(text, question, most);
        expect(found.length).toBeLessThanOrEqual(most);
        const wordings = [question, ...found].map((it) => words(it).join(' '));
        expect(new Set(wordings).size).toBe(wordings.length);
        for (const rephrasing of found) expectSearchable(rephrasing);
      }),
      { numRuns: 1_000 },
    );
  });

  it('reads what was written, whatever surrounds it', () => {
    const written = fc.uniqueArray(
      fc
        .array(fc.constantFrom('key', 'rotate', 'who', 'Frist', '鍵'), { minLength: 1, maxLength: 6 })
        .map((it) => it.join(' ')),
      { maxLength: 5 },
    );
    const around = fc.string().map((text) => text.replaceAll(/[{}]/g, ''));
    fc.assert(
      fc.property(written, around, around, (rephrasings, before, after) => {
        expect(parseRephrasings(`${before}${list(...rephrasings)}${after}`, QUESTION, 5)).toEqual(
          rephrasings,
        );
      }),
    );
  });

  it('takes linear time on braces and brackets without end', () => {
    const start = performance.now();
    for (const part of ['{', '{}', '{"rephrasings":[', '"\\'])
      parseRephrasings(part.repeat(200_000), QUESTION, 5);
    expect(performance.now() - start).toBeLessThan(2_000);
  });
});
