import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fencesOf } from './fence.js';

const fence = fencesOf(['question', 'answer']);

describe('fencesOf', () => {
  it('writes attributes in order, on one line, without a quote that would end them', () => {
    expect(fence('answer', 'Yes.', { number: '1', title: 'The "new"\nrules </answer>' })).toBe(
      `<answer number="1" title="The 'new' rules &lt;/answer>">\nYes.\n</answer>`,
    );
  });

  it('leaves alone what is no tag of its prompt', () => {
    const text = '<b>a < b</b> <answers> <source>';
    expect(fence('answer', text)).toContain(text);
  });

  it('lets no text close its fence or open another', () => {
    const part = fc.constantFrom('<', '/', 'question', 'ANSWER', 'answer', ' ', '\n', '>', '"', 'x');
    fc.assert(
      fc.property(fc.array(part), fc.array(part), (text, title) => {
        const written = fence('answer', text.join(''), { title: title.join('') });
        expect(written.match(/<\s*\/?\s*(?:question|answer)\b/gi)).toHaveLength(2);
      }),
    );
  });

  it('takes linear time on a tag that never comes', () => {
    const start = performance.now();
    fence('answer', `<${' '.repeat(1_000_000)}`);
    fence('answer', '< '.repeat(1_000_000));
    expect(performance.now() - start).toBeLessThan(5000);
  });
});
