/** Controls, half pairs and characters that are not assigned: what text hardly holds, and other data read as text does. */
// oxlint-disable-next-line no-control-regex
const NO_TEXT = /[\p{Cn}\p{Co}\p{Cs}\ufffd\u0001-\u0008\u000e-\u001f]/gu;
/** Latin, Greek, Cyrillic, Hebrew and Arabic letters, spaces, line breaks, and the commonest signs of Asian texts. */
const COMMON = /[\t\n\r -~\u00a0-\u06ff\u2010-\u201f\u2026\u3000-\u30ff\uff01-\uff1f]/gu;
/** How many of the characters must be common ones, as a share, in a short text and in one that may be all Chinese. */
const COMMON_IN_SHORT = 0.5;
const COMMON_IN_LONG = 0.03;
const LONG = 100;
/** Characters that are decoded at once. */
const UTF32_CHUNK = 4096;

/** The byte order of UTF-16 text without a byte order mark, or undefined when the bytes are no such text. */
export function detectUtf16(bytes: Uint8Array): 'utf-16le' | 'utf-16be' | undefined {
  // a text without a single space, digit or line break is not worth the doubt about all others
  if (!bytes.includes(0) || isMostlyAsciiPairs(bytes)) return undefined;
  const even = bytes.subarray(0, bytes.length - (bytes.length % 2));
  const [little, big] = (['utf-16le', 'utf-16be'] as const).map((label) => ({
    label,
    common: commonCharacters(new TextDecoder(label).decode(even)),
  }));
  const [best, other] = (little?.common ?? 0) > (big?.common ?? 0) ? [little, big] : [big, little];
  return best !== undefined && best.common > 3 * (other?.common ?? 0) ? best.label : undefined;
}

/** True for data with ASCII strings in it. Read as UTF-16, they look Chinese; but most Chinese characters do not look ASCII. */
function isMostlyAsciiPairs(bytes: Uint8Array): boolean {
  let found = 0;
  for (let at = 0; at + 1 < bytes.length; at += 2)
    if (isPrintable(bytes[at]) && isPrintable(bytes[at + 1])) found++;
  return found * 4 > bytes.length;
}

function isPrintable(byte = 0): boolean {
  return byte >= 0x20 && byte < 0x7f;
}

/** How many characters of a reading are common ones; none if it does not read as text. */
function commonCharacters(text: string): number {
  if (text.includes('\0') || count(text, NO_TEXT) * 100 > text.length) return 0;
  const common = count(text, COMMON);
  return common >= text.length * (text.length < LONG ? COMMON_IN_SHORT : COMMON_IN_LONG) ? common : 0;
}

/** Text from UTF-32, which `TextDecoder` does not know, without its byte order mark. */
export function decodeUtf32(bytes: Uint8Array, littleEndian: boolean): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: string[] = [];
  for (let start = 0; start + 4 <= bytes.length; start += 4 * UTF32_CHUNK) {
    const length = Math.min(UTF32_CHUNK, Math.floor((bytes.length - start) / 4));
    const codes = Array.from({ length }, (_, index) => view.getUint32(start + 4 * index, littleEndian));
    parts.push(String.fromCodePoint(...codes.map((code) => (code > 0x10ffff ? 0xfffd : code))));
  }
  return parts.join('');
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}
