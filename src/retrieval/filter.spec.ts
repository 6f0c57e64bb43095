import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../common/errors/index.js';
import { compileFilter } from './filter.js';

describe('compileFilter', () => {
  it.each([
    [{ team: 'payments' }, '$."team" == $v0', { v0: 'payments' }],
    [{ year: { gte: 2024, lt: 2026 } }, '$."year" >= $v0 && $."year" < $v1', { v0: 2024, v1: 2026 }],
    [{ team: { ne: 'hr' } }, '(($."team" == $v0) is unknown || !($."team" == $v0))', { v0: 'hr' }],
    [{ tag: { in: ['a', 'b'] } }, '($."tag" == $v0 || $."tag" == $v1)', { v0: 'a', v1: 'b' }],
    [{ draft: { exists: false } }, '!exists($."draft")', {}],
    [{ or: [{ a: 1 }, { b: null }] }, '(($."a" == $v0) || ($."b" == $v1))', { v0: 1, v1: null }],
    [
      { not: { a: true, b: 'x' } },
      '(($."a" == $v0 && $."b" == $v1) is unknown || !($."a" == $v0 && $."b" == $v1))',
      { v0: true, v1: 'x' },
    ],
  ])('%j', (filter, path, variables) => {
    expect(compileFilter(filter)).toEqual({ path, variables });
  });

  it('takes nothing for nothing', () => {
    expect(compileFilter(undefined)).toBeUndefined();
    expect(compileFilter({})).toBeUndefined();
  });

  it.each([
    [{ team: {} }, 'filter.team'],
    [{ team: { like: 'x' } }, 'filter.team.like'],
    [{ team: { in: [] } }, 'filter.team.in'],
    [{ team: { eq: { a: 1 } } }, 'filter.team.eq'],
    [{ team: ['a'] }, 'filter.team'],
    [{ and: 'x' }, 'filter.and'],
    [{ or: [] }, 'filter.or'],
    [{ or: [1] }, 'filter.or.0'],
    [{ not: [] }, 'filter.not'],
    [{ team: { exists: 1 } }, 'filter.team.exists'],
    [{ team: 'a\0b' }, 'filter.team'],
    [{ not: { not: { not: { not: { not: { a: 1 } } } } } }, 'filter.not'],
    [{ or: Array.from({ length: 60 }, () => ({ a: 1 })) }, 'filter.or'],
  ])('refuses %j and names the part', (filter, field) => {
    const compile = () => compileFilter(filter);
    expect(compile).toThrow(AppError);
    expect(compile).toThrow(field);
  });

  it('lets no key or value become part of the path', () => {
    const key = fc
      .string()
      .filter((text) => !['and', 'or', 'not', '__proto__'].includes(text) && !text.includes('\0'));
    const value = fc.string().filter((text) => !text.includes('\0'));
    fc.assert(
      fc.property(key, value, (name, text) => {
        const compiled = compileFilter({ [name]: text });
        expect(compiled).toEqual({ path: `$.${JSON.stringify(name)} == $v0`, variables: { v0: text } });
      }),
    );
  });
});
