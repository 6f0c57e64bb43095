import { expect, it } from 'vitest';
import { type Outcome, Tally } from './tally.js';

const file = (id: string): { path: string; id: string } => ({ path: `/srv/${id}`, id });

it('counts, and tells the failures', () => {
  const seen: Outcome[] = [];
  const tally = new Tally(114, (outcome) => seen.push(outcome));
  for (let index = 0; index < 110; index++) tally.add({ file: file(`${index}`), result: 'ready' });
  tally.add({ file: file('same'), result: 'unchanged' });
  tally.add({ file: file('bad'), result: 'failed', reason: 'There is no text in it.' });
  expect(tally.settled).toBe(112);
  expect(seen).toHaveLength(112);
  expect(tally.summary((path) => path.slice(5))).toBe(
    'ready       110\nunchanged     1\nfailed        1\nunfinished    2\n\nbad: There is no text in it.',
  );
});

it('tells fifty failures, and how many more there are', () => {
  const tally = new Tally(60);
  for (let index = 1; index <= 60; index++)
    tally.add({ file: file(`f${index}`), result: 'failed', reason: 'no' });
  const lines = tally.summary((path) => path).split('\n');
  expect(lines.filter((line) => line.endsWith(': no'))).toHaveLength(50);
  expect(lines.at(-1)).toBe('and 10 more');
});

it('tells no more than the counts when all went well', () => {
  const tally = new Tally(1);
  tally.add({ file: file('a'), result: 'ready' });
  expect(tally.summary((path) => path)).toBe('ready       1\nunchanged   0\nfailed      0');
});
