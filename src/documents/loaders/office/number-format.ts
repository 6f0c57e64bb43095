/** From the largest to the smallest. */
const ROMAN: readonly (readonly [number, string])[] = [
  [1000, 'm'],
  [900, 'cm'],
  [500, 'd'],
  [400, 'cd'],
  [100, 'c'],
  [90, 'xc'],
  [50, 'l'],
  [40, 'xl'],
  [10, 'x'],
  [9, 'ix'],
  [5, 'v'],
  [4, 'iv'],
  [1, 'i'],
];
const LARGEST_ROMAN = 3999;
/** After z come aa, bb and so on; nobody counts further than this. */
const LARGEST_LETTER = 26 * 5;

/**
 * A number of a list or heading as it is written.
 * @param style as Word names it; styles that are not known are written as decimal numbers
 */
export function formatNumber(value: number, style: string): string {
  switch (style) {
    case 'lowerLetter':
      return letters(value);
    case 'upperLetter':
      return letters(value).toUpperCase();
    case 'lowerRoman':
      return roman(value);
    case 'upperRoman':
      return roman(value).toUpperCase();
    case 'decimalZero':
      return String(value).padStart(2, '0');
    default:
      return String(value);
  }
}

function letters(value: number): string {
  if (value < 1 || value > LARGEST_LETTER) return String(value);
  return String.fromCodePoint(97 + ((value - 1) % 26)).repeat(Math.ceil(value / 26));
}

function roman(value: number): string {
  if (value < 1 || value > LARGEST_ROMAN) return String(value);
  let rest = value;
  let text = '';
  for (const [amount, sign] of ROMAN) {
    for (; rest >= amount; rest -= amount) text += sign;
  }
  return text;
}
