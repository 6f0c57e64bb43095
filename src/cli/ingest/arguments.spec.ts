import { describe, expect, it } from 'vitest';
import { readArguments } from './arguments.js';
import { UsageError } from '../errors.js';

describe('readArguments', () => {
  it('takes paths before and after options', () => {
    const argv = [
      'a',
      '--collection',
      'docs',
      'b/*.md',
      '--url',
      'http://host:3000/base/',
      '--watch',
      '--api-key',
      'k',
    ];
    expect(readArguments(argv)).toEqual({
      paths: ['a', 'b/*.md'],
      collection: 'docs',
      url: 'http://host:3000/base',
      apiKey: 'k',
      watches: true,
    });
  });

  it('has defaults', () => {
    expect(readArguments(['a'])).toEqual({
      paths: ['a'],
      collection: 'default',
      url: undefined,
      apiKey: undefined,
      watches: false,
    });
  });

  it.each([['--help'], ['-h'], ['a', '--help', '--watch']])('%s asks for help', (...argv) => {
    expect(readArguments(argv)).toBe('help');
  });

  it.each([
    [[], /Name a folder/],
    [['a', '--colection', 'x'], /--colection/],
    [['a', '--collection'], /--collection/],
    [['a', '--watch=yes'], /--watch/],
    [['a', '--url', 'localhost:3000'], /--url/],
    [['a', '--url', 'ftp://host'], /--url/],
    [['a', '--url', 'http://user:secret@host'], /--url/],
  ])('refuses %j', (argv, message) => {
    expect(() => readArguments(argv)).toThrow(UsageError);
    expect(() => readArguments(argv)).toThrow(message);
  });
});
