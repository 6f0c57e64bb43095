import { describe, expect, it } from 'vitest';
import { UsageError } from '../errors.js';
import { readOptions } from './options.js';

describe('readOptions', () => {
  it('reads what to do, and where', () => {
    expect(readOptions(['guide', '--model', 'openai/x'])).toEqual({
      collection: 'guide',
      model: 'openai/x',
      url: undefined,
    });
    expect(readOptions(['--stop', '--url=http://other:3000/', 'guide'])).toEqual({
      collection: 'guide',
      model: undefined,
      url: 'http://other:3000',
    });
  });

  it.each([
    [[]],
    [['guide']],
    [['a', 'b', '--stop']],
    [['guide', '--stop', '--model', 'openai/x']],
    [['guide', '--model']],
    [['guide', '--stop', '--force']],
    [['guide', '--stop', '--url', 'nowhere']],
  ])('refuses %j', (args) => {
    expect(() => readOptions(args)).toThrow(UsageError);
  });
});
