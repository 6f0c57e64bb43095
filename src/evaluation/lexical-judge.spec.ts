import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeLexically } from './lexical-judge.js';

const passages = [
  {
    title: 'Security handbook',
    text: 'Keys are rotated every 90 days. Old keys keep working for one more day. Ask the security team for help. The canteen is closed on Sundays. Visitors sign in at the front desk.',
  },
  { title: 'Ducks', text: 'They swim on ponds and eat seeds.' },
];
const question = 'How often are keys rotated?';
const judge = (answer: string, asked = question) => judgeLexically({ question: asked, answer, passages });

describe('judgeLexically', () => {
  it('finds a quote faithful and relevant, and says how it measured', () => {
    expect(judge('Keys are rotated every 90 days.')).toEqual({
      faithfulness: 1,
      relevance: 1,
      reasons:
        'Measured by words, not by a language model. Sentences of the answer with at least 80 % of their terms and all of their figures in neighbouring sentences of one source: 1 of 1. Terms of the question found in the answer or in the sentences that support it: 2 of 2.',
    });
  });

  it('counts the sentences that sources support', () => {
    const { faithfulness, reasons } = judge(
      'Keys are rotated every 90 days. The moon is made of green cheese.',
    );
    expect(faithfulness).toBe(0.5);
    expect(reasons).toContain('1 of 2.');
  });

  it.each<[string, string, number]>([
    [
      'a claim from two neighbouring sentences',
      'Rotated every 90 days, old keys keep working one more day.',
      1,
    ],
    ['a claim that names its subject by the title', 'Ducks swim on ponds.', 1],
    ['a claim from sentences far apart', 'Keys are rotated by visitors at the front desk.', 0],
    ['a claim from two sources', 'Keys are rotated on ponds.', 0],
    ['a wrong figure in a quote', 'Old keys are rotated every 30 days, and keep working one more day.', 0],
  ])('judges %s', (_, answer, faithfulness) => {
    expect(judge(answer).faithfulness).toBe(faithfulness);
  });

  it('takes what supports a short answer for part of it', () => {
    expect(judge('Every 90 days.')).toMatchObject({ faithfulness: 1, relevance: 1 });
  });

  it('finds a faithful answer to another question irrelevant', () => {
    expect(judge('Ducks swim on ponds.')).toMatchObject({ faithfulness: 1, relevance: 0 });
  });

  it('finds an answer to half of the question half relevant', () => {
    const asked = 'When are keys rotated, and where is the elevator?';
    expect(judge('Keys are rotated every 90 days.', asked).relevance).toBeCloseTo(2 / 3);
  });

  it.each([
    "I don't have information about this in my knowledge base.",
    'The sources do not say how often that happens.',
    'Unfortunately, the provided documents don’t mention it.',
    'There is no information about key rotation.',
    '',
    '...',
    'It is.',
  ])('finds that %j claims nothing and addresses nothing', (answer) => {
    expect(judge(answer)).toMatchObject({ faithfulness: 1, relevance: 0 });
    expect(judge(answer).reasons).toContain('claims nothing');
  });

  it('judges what else is claimed beside an excuse', () => {
    const { faithfulness, relevance } = judge('The sources do not say why. Keys are rotated every 90 days.');
    expect({ faithfulness, relevance }).toEqual({ faithfulness: 1, relevance: 1 });
  });

  it('takes a source’s own word for a claim', () => {
    const text = 'We do not have an office in Rome.';
    const asked = 'Is there an office in Rome?';
    const judged = judgeLexically({ question: asked, answer: text, passages: [{ title: '', text }] });
    expect(judged).toMatchObject({ faithfulness: 1, relevance: 1 });
  });

  it('supports nothing without sources', () => {
    const judged = judgeLexically({ question, answer: 'Keys are rotated daily.', passages: [] });
    expect(judged).toMatchObject({ faithfulness: 0, relevance: 1 });
  });

  it('says so when the question has no terms', () => {
    const judged = judge('Keys are rotated every 90 days.', 'How is it?');
    expect(judged.relevance).toBe(1);
    expect(judged.reasons).toContain('The question has no terms');
  });

  it('gives scores from 0 to 1, the same each time, for any text', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .array(fc.constantFrom('keys ', 'rotated ', '90 ', 'is ', '. ', '\n\n', '漢字。'))
        .map((it) => it.join('')),
    );
    const input = fc.record({
      question: text,
      answer: text,
      passages: fc.array(fc.record({ title: text, text }), { maxLength: 3 }),
    });
    fc.assert(
      fc.property(input, (input) => {
        const judged = judgeLexically(input);
        for (const score of [judged.faithfulness, judged.relevance]) {
          expect(score).toBeGreaterThanOrEqual(0);
          expect(score).toBeLessThanOrEqual(1);
        }
        expect(judgeLexically(input)).toEqual(judged);
      }),
    );
  });

  it('finds a sentence of a source faithful, whichever it is', () => {
    const sentences = passages.flatMap(({ text }) => text.split(/(?<=\.) /));
    for (const sentence of sentences) expect(judge(sentence).faithfulness).toBe(1);
  });

  it('takes a moment for a long answer from long sources', () => {
    const sentence = (index: number) => `Keys are rotated by team ${index} every ${index} days.`;
    const text = Array.from({ length: 1_500 }, (_, index) => sentence(index)).join(' ');
    const start = performance.now();
    const judged = judgeLexically({ question, answer: text, passages: [{ title: 'Keys', text }] });
    expect(judged.faithfulness).toBe(1);
    expect(performance.now() - start).toBeLessThan(5_000);
  });
});
