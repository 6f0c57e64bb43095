/** Code pages by their numbers, where these are not the name that follows `windows-`. */
const LABELS: Record<number, string> = {
  866: 'ibm866',
  932: 'shift_jis',
  936: 'gbk',
  949: 'euc-kr',
  950: 'big5',
  1200: 'utf-16le',
  10000: 'macintosh',
  10007: 'x-mac-cyrillic',
  20866: 'koi8-r',
  32768: 'macintosh',
  65001: 'utf-8',
};

/** Decodes texts of one encoding. */
export type Decoder = Pick<InstanceType<typeof TextDecoder>, 'decode'>;

/** A decoder for a code page of Windows; for one that is unknown, that of Western Europe. */
export function codePageDecoder(codePage: number): Decoder {
  try {
    return new TextDecoder(LABELS[codePage] ?? `windows-${codePage}`);
  } catch {
    return new TextDecoder('windows-1252');
  }
}
