import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeText, looksLikeText } from './decode.js';
import { UnreadableDocumentError } from './loader.js';

const encoders = new Map<string, Map<string, number[]>>();

/** The encoder that `TextDecoder` has the decoder of. */
function encoder(label: string): Map<string, number[]> {
  const known = encoders.get(label);
  if (known !== undefined) return known;
  const decoder = new TextDecoder(label, { fatal: true });
  const bytesOf = new Map<string, number[]>();
  const add = (...bytes: number[]) => {
    try {
      const text = decoder.decode(Uint8Array.from(bytes));
      if ([...text].length === 1 && !bytesOf.has(text)) bytesOf.set(text, bytes);
    } catch {
      // no character
    }
  };
  for (let byte = 0; byte < 256; byte++) add(byte);
  if (/jis|jp|gb|big5|kr/.test(label))
    for (let first = 0x81; first < 0xff; first++)
      for (let second = 0x40; second < 0xff; second++) add(first, second);
  encoders.set(label, bytesOf);
  return bytesOf;
}

function encode(text: string, label: string): Uint8Array {
  const bytesOf = encoder(label);
  return Uint8Array.from(
    [...text].flatMap((char) => {
      const bytes = bytesOf.get(char);
      if (bytes === undefined) throw new Error(`${label} has no ${char}`);
      return bytes;
    }),
  );
}

const utf16 = (text: string) => Buffer.from(text, 'utf16le');

const SLAVIC = ['windows-1250', 'iso-8859-2'];
/** Texts of two lengths, and the encodings they were written in before UTF-8. */
const SAMPLES: [language: string, encodings: string[], sentence: string, text: string][] = [
  [
    'English',
    ['windows-1252'],
    'A naïve approach would cost £25 — or 30 € — more.',
    'The café’s façade — “naïve”, some said — cost £25 per m². Its bakers wouldn’t charge more than ½ the price. © 2019',
  ],
  [
    'French',
    ['windows-1252'],
    'Où sont passés les élèves de l’école ?',
    'Les travaux ont été achevés à la fin de l’année. Le conseil a décidé d’améliorer les accès, où la sécurité n’était pas « assurée » ; le coût s’élève à 40 000 €.',
  ],
  [
    'German',
    ['windows-1252'],
    'Für Schäden haftet der Hersteller nicht.',
    'Die Prüfung der Geräte erfolgt jährlich. Für Schäden, die durch unsachgemäße Nutzung entstehen, übernimmt der Hersteller keine Gewähr.',
  ],
  [
    'Spanish',
    ['windows-1252'],
    '¿Cuántos niños asistieron a la reunión?',
    'La reunión se celebró el miércoles por la mañana. ¿Cuántos niños asistieron? Según el informe, más de doscientos; ningún señor quedó sin asiento.',
  ],
  [
    'Portuguese',
    ['windows-1252'],
    'As crianças não poderão entrar sem autorização.',
    'A comissão aprovou as alterações ao regulamento. As crianças não poderão entrar sem autorização dos pais, nem após as dezoito horas.',
  ],
  [
    'Italian',
    ['windows-1252'],
    'La città è più grande di così.',
    'La città è stata fondata più di duemila anni fa. Perché le attività prosperassero, si costruì una strada; così arrivò la libertà di commercio.',
  ],
  [
    'Swedish',
    ['windows-1252'],
    'Många hushåll är kritiska till förslaget.',
    'Förslaget går ut på att höja avgiften för parkering på gatorna. Många hushåll är kritiska, eftersom de inte har någon annan plats att ställa bilen på.',
  ],
  [
    'Danish',
    ['windows-1252'],
    'Prisen på øl og brød stiger næste år.',
    'Bestyrelsen har besluttet at forhøje prisen på øl og brød. Det sker først til næste år, når de nye regler er trådt i kraft.',
  ],
  [
    'Finnish',
    ['windows-1252'],
    'Päätös tehdään äänten enemmistöllä.',
    'Hyväksyntä edellyttää, että jäsenet ovat läsnä. Päätös tehdään äänten enemmistöllä, eikä siitä voi valittaa myöhemmin.',
  ],
  [
    'Icelandic',
    ['windows-1252'],
    'Það er ekki auðvelt að læra íslensku.',
    'Þetta skjal er ætlað þeim sem vilja læra íslensku. Það er ekki auðvelt, en með æfingu verður það léttara.',
  ],
  [
    'Polish',
    SLAVIC,
    'Każdy wniosek będzie rozpatrzony w ciągu trzydziestu dni.',
    'Zażółć gęślą jaźń. Urząd został otwarty w środę. Każdy wniosek będzie rozpatrzony w ciągu trzydziestu dni, jeżeli są dołączone załączniki.',
  ],
  [
    'Czech',
    SLAVIC,
    'Žádost musí být podepsána žadatelem.',
    'Příliš žluťoučký kůň úpěl ďábelské ódy. Žádost se podává písemně a musí být podepsána žadatelem. Úřad rozhodne do třiceti dnů.',
  ],
  [
    'Hungarian',
    SLAVIC,
    'A kérelmezőnek írásban kell benyújtania.',
    'A kérelmet írásban kell benyújtani, és a kérelmezőnek alá kell írnia. Külön díj nem szükséges, győződjön meg róla a hűvösben.',
  ],
  [
    'Romanian',
    SLAVIC,
    'Instituţia hotărăşte în treizeci de zile.',
    'Cererea se depune în scris şi trebuie semnată de solicitant. Instituţia hotărăşte în termen de treizeci de zile, dacă legea nu prevede altfel.',
  ],
  [
    'Croatian',
    SLAVIC,
    'Veća šteta će se naknaditi, što znači više troškova.',
    'Zahtjev se podnosi u pisanom obliku. Ured odlučuje u roku od trideset dana, osim ako zakonom nije drukčije određeno. Veća šteta će se naknaditi.',
  ],
  [
    'Turkish',
    ['windows-1254'],
    'İdare otuz gün içinde karar verir, değişiklik yapılmaz.',
    'Başvuru yazılı olarak yapılır ve başvuru sahibi tarafından imzalanır. İdare, kanunda aksi belirtilmedikçe otuz gün içinde karar verir.',
  ],
  [
    'Russian',
    ['windows-1251', 'koi8-r', 'iso-8859-5'],
    'Орган принимает решение.',
    'Заявление подаётся в письменной форме и должно быть подписано заявителем. Орган принимает решение в течение тридцати дней.',
  ],
  [
    'Ukrainian',
    ['windows-1251', 'koi8-u'],
    'Її розгляд є безкоштовним.',
    'Заява подається у письмовій формі та має бути підписана заявником. Її розгляд є безкоштовним.',
  ],
  [
    'Greek',
    ['windows-1253', 'iso-8859-7'],
    'Άλλα έξοδα δεν υπάρχουν.',
    'Η αίτηση υποβάλλεται γραπτώς και πρέπει να υπογράφεται από τον αιτούντα. Άλλα έξοδα δεν υπάρχουν.',
  ],
  [
    'Hebrew',
    ['windows-1255'],
    'אין צורך לשלם אגרה נוספת.',
    'הבקשה תוגש בכתב ותיחתם בידי המבקש. הרשות תחליט בתוך שלושים יום, אלא אם כן נקבע אחרת בחוק.',
  ],
  [
    'Arabic',
    ['windows-1256', 'iso-8859-6'],
    'لا توجد رسوم إضافية.',
    'يقدم الطلب كتابة ويجب أن يكون موقعا من مقدم الطلب. تبت الجهة في الطلب خلال ثلاثين يوما.',
  ],
  [
    'Japanese',
    ['shift_jis', 'euc-jp'],
    '追加の手数料はかかりません。',
    '申請は書面で行い、申請者が署名しなければなりません。当局は、法律に別段の定めがない限り、三十日以内に決定します。',
  ],
  [
    'Chinese',
    ['gb18030'],
    '申请应当以书面形式提出。',
    '申请应当以书面形式提出,并由申请人签名。除法律另有规定外,主管机关应当在三十日内作出决定。不收取其他费用。',
  ],
  [
    'Taiwanese',
    ['big5'],
    '申請應以書面提出。',
    '申請應以書面提出,並由申請人簽名。除法律另有規定外,主管機關應於三十日內作成決定。不收取其他費用。',
  ],
  [
    'Korean',
    ['euc-kr'],
    '신청은 서면으로 하여야 한다.',
    '신청은 서면으로 하여야 하며 신청인이 서명하여야 한다. 기관은 법률에 다른 규정이 없는 한 삼십일 이내에 결정한다.',
  ],
];
const TABLE = SAMPLES.flatMap(([language, encodings, sentence, text]) =>
  encodings.map((label) => ({ language, label, sentence, text })),
);

describe('decodeText', () => {
  it.each(TABLE)('detects $label of undeclared $language', ({ label, sentence, text }) => {
    expect(decodeText(encode(text, label))).toBe(text);
    expect(decodeText(encode(sentence, label))).toBe(sentence);
  });

  it.each(TABLE)('detects $label of $language below a lot of ASCII', ({ label, text }) => {
    const ascii = '<p class="text">plain words</p>\n'.repeat(2000);
    expect(decodeText(Buffer.concat([Buffer.from(ascii), encode(text, label)]))).toBe(ascii + text);
  });

  it.each([
    ['Danish', 'Smørrebrød'],
    ['English', 'Price: £25'],
    ['English', 'Copyright © 2019 Example Ltd.'],
    ['English', 'Temperature: 25 °C ± 2'],
    ['French', 'à côté'],
    ['German', 'Düsseldorf'],
    ['Italian', 'perché è così'],
    ['Portuguese', 'São Paulo'],
    ['Spanish', 'El Niño'],
    ['Spanish', '1º de mayo'],
    ['Swedish', 'Malmö är så'],
  ])('takes a few %s words for Western: %s', (_, text) => {
    expect(decodeText(encode(text, 'windows-1252'))).toBe(text);
  });

  it('detects a single foreign letter in a long Western text', () => {
    const text = `${'The report was read by the members of the board. '.repeat(5)}They were naïve. ${'Then it was sent to all. '.repeat(5)}`;
    expect(decodeText(encode(text, 'windows-1252'))).toBe(text);
  });

  it('lets the declared charset win over detection', () => {
    const bytes = encode('Орган принимает решение.', 'windows-1251');
    expect(decodeText(bytes, 'iso-8859-1')).toBe('Îðãàí ïðèíèìàåò ðåøåíèå.');
    expect(decodeText(bytes, 'utf-8')).toBe('Орган принимает решение.');
  });

  it.each(SAMPLES)(
    'reads %s in UTF-16 without a byte order mark',
    (_language, _encodings, _sentence, text) => {
      const long = `${text}\n${text}\n${text}`;
      for (const bytes of [utf16(long), utf16(long).swap16()]) {
        expect(looksLikeText(bytes)).toBe(true);
        expect(decodeText(bytes)).toBe(long);
        expect(decodeText(bytes, 'utf-8')).toBe(long);
      }
    },
  );

  it('reads UTF-32 with its byte order mark', () => {
    const codes = [...`naïve 日本 😀 ${'long '.repeat(3000)}`].map((char) => char.codePointAt(0) ?? 0);
    const encoded = (littleEndian: boolean) => {
      const view = new DataView(new ArrayBuffer(4 * (codes.length + 1)));
      [0xfeff, ...codes].forEach((code, index) => view.setUint32(4 * index, code, littleEndian));
      return new Uint8Array(view.buffer);
    };
    const text = String.fromCodePoint(...codes);
    expect(decodeText(encoded(true))).toBe(text);
    expect(decodeText(encoded(false))).toBe(text);
    expect(looksLikeText(encoded(true))).toBe(true);
    expect(looksLikeText(encoded(false))).toBe(true);
  });

  it('marks what is no character in UTF-32', () => {
    const bytes = Uint8Array.from([
      0xff,
      0xfe,
      0,
      0,
      ...Buffer.from('a\0\0\0'.repeat(20), 'latin1'),
      1,
      2,
      3,
      4,
    ]);
    expect(decodeText(bytes)).toBe(`${'a'.repeat(20)}\ufffd`);
  });

  it.each([
    ['text with a NUL', Buffer.from('Hello\0 world')],
    ['names with lengths before them', Buffer.from('\0\x0eAfrica/Abidjan\0\x0cAfrica/Accra\0'.repeat(50))],
    ['small numbers', Buffer.from(Uint16Array.from({ length: 500 }, (_value, index) => index % 300).buffer)],
    [
      'numbers of four bytes',
      Buffer.from(Uint32Array.from({ length: 500 }, (_value, index) => 40 + index).buffer),
    ],
    ['spaces with NULs', Buffer.from(`${' '.repeat(400)}\0\0`)],
  ])('does not take %s for UTF-16', (_, bytes) => {
    expect(looksLikeText(bytes)).toBe(false);
    expect(() => decodeText(bytes)).toThrow(UnreadableDocumentError);
  });

  it('decodes or refuses any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        looksLikeText(bytes);
        try {
          expect(decodeText(bytes)).not.toContain('\0');
        } catch (error) {
          expect(error).toBeInstanceOf(UnreadableDocumentError);
        }
      }),
      { numRuns: 300 },
    );
  });
});
