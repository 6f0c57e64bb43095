import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../common/errors/index.js';
import { compileFilter } from './filter.js';

describe('compileFilter', () => {
  it.each([
    [{ team: 'payments' }, '$."team" == "payments"'],
    [{ year: { gte: 2024, lt: 2026 } }, '$."year" >= 2024 && $."year" < 2026'],
    [{ team: { ne: 'hr' } }, '(($."team" == "hr") is unknown || !($."team" == "hr"))'],
    [{ tag: { in: ['a', 'b'] } }, '($."tag" == "a" || $."tag" == "b")'],
    [{ draft: { exists: false } }, '!exists($."draft")'],
    [{ or: [{ a: 1 }, { b: null }] }, '(($."a" == 1) || ($."b" == null))'],
    [
      { not: { a: true, b: 'x' } },
      '(($."a" == true && $."b" == "x") is unknown || !($."a" == true && $."b" == "x"))',
    ],
  ])('%j', (filter, path) => {
    expect(compileFilter(filter)).toBe(path);
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

  it('lets keys and values be nothing but JSON literals', () => {
    const key = fc
      .string()
      .filter((text) => !['and', 'or', 'not', '__proto__'].includes(text) && !text.includes('\0'));
    const value = fc.string().filter((text) => !text.includes('\0'));
    fc.assert(
      fc.property(key, value, (name, text) => {
        expect(compileFilter({ [name]: text })).toBe(`$.${JSON.stringify(name)} == ${JSON.stringify(text)}`);
      }),
    );
  });
});
