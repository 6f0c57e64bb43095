import { describe, expect, it } from 'vitest';
import { instant } from './instant.js';

describe('instant', () => {
  it.each([
    ['2026-11-01', '2026-11-01T00:00:00.000Z'],
    ['2026-11-01T09:30:00', '2026-11-01T09:30:00.000Z'],
    ['2026-11-01T09:30:00+02:00', '2026-11-01T07:30:00.000Z'],
    ['2026-11-01T09:30:00Z', '2026-11-01T09:30:00.000Z'],
  ])('reads %s', (text, utc) => expect(instant('from', text)).toBe(utc));

  it('has none where none is given', () => expect(instant('from', undefined)).toBeUndefined());

  it.each(['2026-W45-1', '2026-310', '+012026-01-01', 'never'])('refuses %s, naming the field', (text) => {
    expect(() => instant('to', text)).toThrow(
      expect.objectContaining({
        code: 'INVALID_REQUEST',
        errors: [{ field: 'to', message: expect.stringMatching(/^to takes/) as string }],
      }),
    );
  });
});
