import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidJudgementError, parseJudgement } from './judgement.js';

const good = { faithfulness: 0.5, relevance: 1, reasons: 'One of two claims has no support.' };
const json = (changes: object = {}) => JSON.stringify({ ...good, ...changes });

describe('parseJudgement', () => {
  it.each<[string, string]>([
    ['alone', json()],
    ['in a code fence', `\`\`\`json\n${json()}\n\`\`\``],
    ['between words', `Here is my judgement:\n\n${json()}\n\nAnything else?`],
    ['over several lines', JSON.stringify(good, null, 2)],
  ])('reads the object %s', (_, text) => {
    expect(parseJudgement(text)).toEqual(good);
  });

  it.each<[string, string]>([
    ['nothing', ''],
    ['words', 'The answer is good.'],
    ['a list', '[0.5, 1]'],
    ['a broken object', '{"faithfulness": 0.5, "relevance"'],
    ['braces the wrong way round', '} {'],
    ['two objects', `${json()}\n${json()}`],
    ['a nested object', `{"judgement": ${json()}}`],
    ['braces in the words around', `{note} ${json()}`],
    ['a score too high', json({ faithfulness: 1.01 })],
    ['a score too low', json({ relevance: -0.01 })],
    ['a percentage', json({ relevance: '90%' })],
    ['a score as text', json({ faithfulness: '0.5' })],
    ['no score', json({ faithfulness: undefined })],
    ['an infinite score', json().replace('0.5', '1e400')],
    ['null', json({ relevance: null })],
    ['no reasons', json({ reasons: undefined })],
    ['blank reasons', json({ reasons: ' \n\0' })],
    ['reasons in a list', json({ reasons: ['One.'] })],
    ['another key', json({ score: 1 })],
    ['its own prototype', json().replace('{', '{"__proto__":{},')],
    ['endless depth', `{"reasons":${'['.repeat(100_000)}}`],
  ])('refuses %s', (_, text) => {
    expect(() => parseJudgement(text)).toThrow(InvalidJudgementError);
  });

  it('says what is wrong in its own words only', () => {
    for (const text of ['{"secret": SECRET}', json({ SECRET: 1 }), json({ reasons: ['SECRET'] })]) {
      expect(() => parseJudgement(text)).toThrow(/^the judge's answer (?!.*secret)/i);
    }
  });

  it('cuts reasons that are too long, never through a character, and drops what cannot be stored', () => {
    const { reasons } = parseJudgement(json({ reasons: `${'a'.repeat(1_999)}😀 and more` }));
    expect(reasons).toBe('a'.repeat(1_999));
    expect(parseJudgement(json({ reasons: ' a\0b\ud800 ' })).reasons).toBe('ab\ufffd');
  });

  it('reads what was written, whatever surrounds it', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true }).map((value) => Math.abs(value));
    const judgement = fc.record({
      faithfulness: share,
      relevance: share,
      reasons: fc
        .string({ unit: 'grapheme', minLength: 1, maxLength: 300 })
        .map((text) => text.replaceAll('\0', '').trim())
        .filter((text) => text !== ''),
    });
    const around = fc.string().map((text) => text.replaceAll(/[{}]/g, ''));
    fc.assert(
      fc.property(judgement, around, around, (written, before, after) => {
        expect(parseJudgement(`${before}${JSON.stringify(written)}${after}`)).toEqual(written);
      }),
    );
  });

  it('gives a valid judgement or its own error, for any text', () => {
    const value = fc.oneof(fc.double(), fc.string({ unit: 'binary' }), fc.jsonValue());
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json(),
      fc.record({ faithfulness: value, relevance: value, reasons: value }).map((it) => JSON.stringify(it)),
      fc
        .array(fc.constantFrom('{', '}', '"', 'faithfulness', ':', ',', '1', '[', ']'))
        .map((it) => it.join('')),
    );
    fc.assert(
      fc.property(text, (text) => {
        let judged;
        try {
          judged = parseJudgement(text);
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidJudgementError);
          return;
        }
        for (const score of [judged.faithfulness, judged.relevance]) {
          expect(score).toBeGreaterThanOrEqual(0);
          expect(score).toBeLessThanOrEqual(1);
        }
        expect(judged.reasons.length).toBeGreaterThan(0);
        expect(judged.reasons.length).toBeLessThanOrEqual(2_000);
        expect(judged.reasons.isWellFormed()).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ['opening braces', '{'.repeat(2_000_000)],
    ['pairs of braces', '{}'.repeat(1_000_000)],
    ['nested objects', `${'{"a":'.repeat(500_000)}1${'}'.repeat(500_000)}`],
    ['code fences', '```json\n'.repeat(250_000)],
    ['quotes', `{${'"\\'.repeat(1_000_000)}}`],
    ['long reasons', json({ reasons: ' '.repeat(2_000_000) })],
  ])('takes linear time on %s', (_, text) => {
    const start = performance.now();
    expect(() => parseJudgement(text)).toThrow(InvalidJudgementError);
    expect(performance.now() - start).toBeLessThan(2_000);
  });
});
