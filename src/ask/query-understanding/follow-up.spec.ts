import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { terms } from '../../common/index.js';
import type { Turn } from '../../prompts/index.js';
import { condenseByWords } from './follow-up.js';

const user = (content: string): Turn => ({ role: 'user', content });
const assistant = (content: string): Turn => ({ role: 'assistant', content });
const HISTORY = [user('How often are API keys rotated?'), assistant('Every 90 days, by the platform group.')];

describe('condenseByWords', () => {
  it.each<[string, string]>([
    ['And who approves it?', 'And who approves it? often api keys rotated'],
    ['Why?', 'Why? often api keys rotated'],
    [
      'How long does that usually take in Germany?',
      'How long does that usually take in Germany? often api keys rotated',
    ],
    ['What about lost keys?', 'What about lost keys? often api rotated'],
  ])('adds the words of the turn before to %s', (question, condensed) => {
    expect(condenseByWords(question, HISTORY)).toBe(condensed);
  });

  it.each(['Who revokes a lost key?', 'How many days of vacation do new employees get?'])(
    'leaves %s as it is',
    (question) => {
      expect(condenseByWords(question, HISTORY)).toBeUndefined();
    },
  );

  it('goes back to the latest turn that can be understood by itself, latest words first', () => {
    const history = [
      user('Which hotels may be booked on trips?'),
      ...HISTORY,
      user('And who approves it?'),
      assistant('Ask.'),
    ];
    expect(condenseByWords('How fast?', history)).toBe('How fast? approves often api keys rotated');
  });

  it('takes nothing from answers, and nothing where there is nothing to take', () => {
    expect(condenseByWords('Why?', [assistant('Every 90 days.')])).toBeUndefined();
    expect(condenseByWords('Why?', [user('Why?')])).toBeUndefined();
    expect(condenseByWords('Who rotates it?', [user('Rotates?')])).toBeUndefined();
  });

  it('keeps the question in front, and adds at most twelve words that it does not have', () => {
    const text = fc
      .array(fc.constantFrom('it', 'key', 'Keys', 'rotates', 'the', '90', 'über', '鍵の', '?'))
      .map((it) => it.join(' '));
    const turn = fc.record({ role: fc.constantFrom('user' as const, 'assistant' as const), content: text });
    fc.assert(
      fc.property(text, fc.array(turn), (question, history) => {
        const condensed = condenseByWords(question, history);
        if (condensed === undefined) return;
        expect(condensed.startsWith(question.trim())).toBe(true);
        const added = terms(condensed).slice(terms(question).length);
        expect(added.length).toBeGreaterThan(0);
        expect(added.length).toBeLessThanOrEqual(12);
        expect(new Set(added).size).toBe(added.length);
      }),
    );
  });
});
