import { describe, expect, it } from 'vitest';
import { detectLanguage } from './detect-language.js';

const GERMAN =
  'Wer Urlaub nehmen möchte, stellt mindestens zwei Wochen vorher einen Antrag bei seiner Führungskraft.';
const ENGLISH = 'Whoever wants to take a holiday asks their manager for it at least two weeks in advance.';
const FRENCH =
  'Les demandes de congés doivent être adressées au responsable au moins deux semaines à l’avance.';
const ITALIAN = 'Le ferie vanno richieste al proprio responsabile con almeno due settimane di anticipo.';

describe('detectLanguage', () => {
  it.each([
    ['english', ENGLISH],
    ['german', GERMAN],
    ['french', FRENCH],
    [
      'spanish',
      'Las vacaciones se solicitan a la persona responsable con dos semanas de antelación como mínimo.',
    ],
    ['italian', ITALIAN],
    ['portuguese', 'As férias devem ser pedidas ao responsável com pelo menos duas semanas de antecedência.'],
    [
      'dutch',
      'Wie vakantie wil opnemen, vraagt dat minstens twee weken van tevoren aan bij de leidinggevende.',
    ],
    ['swedish', 'Den som vill ta semester ska ansöka om det hos sin chef minst två veckor i förväg.'],
    ['finnish', 'Lomaa haetaan omalta esimieheltä vähintään kaksi viikkoa ennen loman alkamista.'],
    ['turkish', 'İzin almak isteyen çalışanlar en az iki hafta önceden yöneticilerine başvurmalıdır.'],
    ['russian', 'Заявление на отпуск нужно подать руководителю не позднее чем за две недели.'],
    ['greek', 'Οι άδειες ζητούνται από τον προϊστάμενο τουλάχιστον δύο εβδομάδες νωρίτερα.'],
    ['arabic', 'تقدم طلبات الإجازة إلى المدير قبل أسبوعين على الأقل من موعد الإجازة المطلوبة.'],
    ['indonesian', 'Permohonan cuti harus diajukan kepada atasan paling lambat dua minggu sebelumnya.'],
  ])('tells %s', async (language, text) => {
    expect(await detectLanguage(text)).toBe(language);
  });

  it.each([
    ['Polish', 'Wniosek o urlop należy złożyć przełożonemu co najmniej dwa tygodnie wcześniej.'],
    ['Czech', 'Žádost o dovolenou je třeba podat nadřízenému nejméně dva týdny předem.'],
  ])('takes the words of %s as they are: English rules would cut them', async (_name, text) => {
    expect(await detectLanguage(text)).toBe('simple');
  });

  it.each([
    [
      'Chinese',
      '员工如需休假，应至少提前两周向主管提出申请，并在系统中填写相关信息。紧急情况下可以事后补办手续，但必须在三天之内完成。',
    ],
    ['Thai', 'พนักงานที่ต้องการลาพักร้อนต้องยื่นคำขอต่อหัวหน้างานล่วงหน้าอย่างน้อยสองสัปดาห์'],
    ['Ukrainian', 'Заяву на відпустку потрібно подати керівникові щонайменше за два тижні.'],
  ])('stems the English words among %s, which English rules leave alone', async (_name, text) => {
    expect(await detectLanguage(text)).toBe('english');
  });

  it.each([
    ['nothing', ''],
    ['a few words', 'Urlaub beantragen'],
    ['numbers', '2024 17,5 '.repeat(500)],
    ['keys and addresses', 'https://example.com/a/b?c=d e4f5a6b7c8d9 user@example.com '.repeat(50)],
  ])('is English for %s', async (_name, text) => {
    expect(await detectLanguage(text)).toBe('english');
  });

  it('is that of most of a long text, whatever it begins with', async () => {
    expect(await detectLanguage(`${ENGLISH}\n`.repeat(12) + `${GERMAN}\n`.repeat(100))).toBe('german');
    expect(await detectLanguage(`${GERMAN}\n`.repeat(12) + `${ENGLISH}\n`.repeat(100))).toBe('english');
  });

  it('is English for a text in several languages, none of which is most of it', async () => {
    const parts = [GERMAN, FRENCH, ITALIAN].map((sentence) => `${sentence}\n`.repeat(20));
    expect(await detectLanguage(parts.join(''))).toBe('english');
  });

  it('hears the words and not the numbers and addresses between them', async () => {
    const noisy = GERMAN.split(' ').map(
      (word, index) => `${word} x${index}=0 https://example.com/the/of/${index}`,
    );
    expect(await detectLanguage(noisy.join(' '))).toBe('german');
  });

  it('looks at places only, so that a long text takes no longer', async () => {
    await detectLanguage(ENGLISH);
    const long = `${GERMAN} `.repeat(100_000);
    const started = performance.now();
    expect(await detectLanguage(long)).toBe('german');
    expect(performance.now() - started).toBeLessThan(500);
  });

  it('takes a text without any space', async () => {
    expect(await detectLanguage('a'.repeat(100_000))).toBe('english');
    expect(await detectLanguage('\u{1F600}'.repeat(10_000))).toBe('english');
  });
});
