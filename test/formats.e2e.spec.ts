// Real: files that LibreOffice, Chromium and others have written (test/fixtures/documents/make.sh), and the service that
// reads them: HTTP, parser processes, chunking and search. `npm run formats` writes the table into README.md.
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AcceptedDocumentsDto, DocumentDto } from '../src/documents/dto/document.dto.js';
import { findLoader } from '../src/documents/loaders/index.js';
import { expectProblem, type Reply, startApp, type TestApp } from './support/app.js';
import { expectReadmeTable, markdownTable } from './support/readme-table.js';

const FOLDER = new URL('./fixtures/documents/', import.meta.url);
/** What every file says. */
const FACTS = [
  'The travel allowance is 47 euros a day.',
  'Requests go to the Aurora desk.',
  'Access cards are renewed every 18 months.',
];

const FILES: { format: string; file: string; madeBy: string }[] = [
  { format: 'PDF', file: 'handbook.pdf', madeBy: 'Chromium' },
  { format: 'PDF', file: 'handbook-office.pdf', madeBy: 'LibreOffice Writer' },
  { format: 'Word', file: 'handbook.docx', madeBy: 'LibreOffice Writer' },
  { format: 'OpenDocument text', file: 'handbook.odt', madeBy: 'LibreOffice Writer' },
  { format: 'RTF', file: 'handbook.rtf', madeBy: 'LibreOffice Writer' },
  { format: 'EPUB', file: 'handbook.epub', madeBy: 'LibreOffice Writer' },
  { format: 'HTML', file: 'handbook.html', madeBy: 'by hand' },
  { format: 'Markdown', file: 'handbook.md', madeBy: 'by hand' },
  { format: 'plain text', file: 'handbook.txt', madeBy: 'LibreOffice Writer' },
  { format: 'PowerPoint', file: 'handbook.pptx', madeBy: 'LibreOffice Impress' },
  { format: 'OpenDocument slides', file: 'handbook.odp', madeBy: 'LibreOffice Impress' },
  { format: 'Excel', file: 'handbook.xlsx', madeBy: 'LibreOffice Calc' },
  { format: 'Excel 97', file: 'handbook.xls', madeBy: 'LibreOffice Calc' },
  { format: 'OpenDocument sheets', file: 'handbook.ods', madeBy: 'LibreOffice Calc' },
  { format: 'CSV', file: 'handbook.csv', madeBy: 'LibreOffice Calc' },
  { format: 'TSV', file: 'handbook.tsv', madeBy: 'LibreOffice Calc' },
  { format: 'JSON', file: 'handbook.json', madeBy: 'by hand' },
  { format: 'JSON Lines', file: 'handbook.jsonl', madeBy: 'by hand' },
  { format: 'e-mail', file: 'handbook.eml', madeBy: 'by hand' },
];

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

async function upload(file: string, name = file): Promise<Reply<AcceptedDocumentsDto>> {
  const form = new FormData();
  form.set('external_id', name);
  form.set('collection', name);
  form.append('file', new Blob([await readFile(new URL(file, FOLDER))]), name);
  return app.send<AcceptedDocumentsDto>('/documents?wait=true', { method: 'POST', body: form });
}

async function read(file: string): Promise<{ document: DocumentDto; content: string; pages: number }> {
  const reply = await upload(file);
  expect(reply.status, JSON.stringify(reply.body)).toBe(201);
  const { id } = reply.body.documents[0]!;
  const bytes = await readFile(new URL(file, FOLDER));
  const pages =
    (await findLoader({ bytes, fileName: file })?.load({ bytes, fileName: file }))?.pages?.length ?? 0;
  return { document: await app.document(id), content: await app.content(id), pages };
}

/** Rows of tables, whether they stand as a table or as a paragraph each. */
function rowsIn(content: string): number {
  const lines = content.split('\n');
  const grid = lines.filter((line) => line.startsWith('|') && !/^\|[-|\s]+$/.test(line)).length;
  return grid > 0 ? grid : lines.filter((line) => /^\S[^;]*: [^;]*; \S/.test(line)).length;
}

describe('files of every format', () => {
  const rows = new Map<string, string[]>();

  it.each(FILES)('$file', async ({ format, file, madeBy }) => {
    const { document, content, pages } = await read(file);
    for (const fact of FACTS) expect(content.replace(/\s+/g, ' ')).toContain(fact);
    const hits = await app.search('How much is the travel allowance?', { collections: [file] });
    expect(hits[0]!.content).toContain('47 euros');
    expect(content.slice(hits[0]!.start, hits[0]!.end)).toBe(hits[0]!.content);
    if (pages > 0) expect(hits[0]!.page).toBeGreaterThan(0);
    rows.set(file, [
      format,
      `\`${file}\``,
      madeBy,
      document.title.replaceAll('|', ' '),
      String(content.length),
      pages === 0 ? '' : String(pages),
      String(rowsIn(content)),
      String(document.chunks),
    ]);
  });

  it('come out as the table in README.md says', async () => {
    const head = ['format', 'file', 'made by', 'title', 'characters', 'pages', 'table rows', 'passages'];
    const table = markdownTable(
      head,
      FILES.flatMap(({ file }) => [rows.get(file) ?? []]),
    );
    await expectReadmeTable('format table', table, process.env['UPDATE_FORMAT_TABLE'] !== undefined);
  });
});

describe('files that cannot be read', () => {
  it.each([
    ['password-protected.pdf', 'password'],
    ['password-protected.docx', 'password'],
  ])('%s says why', async (file, reason) => {
    const problem = expectProblem(await upload(file), 422, 'UNREADABLE_DOCUMENT');
    expect(problem.detail).toContain(reason);
  });

  it('damaged ones end, as an error or as what is left of them', async () => {
    const reply = await upload('damaged.pdf');
    if (reply.status !== 201) expectProblem(reply, 422, 'UNREADABLE_DOCUMENT');
  });

  it('are taken for what they are, whatever their names', async () => {
    const reply = await upload('handbook.pdf', 'renamed.txt');
    expect(reply.status).toBe(201);
    expect(await app.content(reply.body.documents[0]!.id)).toContain(FACTS[0]);
    const page = await upload('handbook.html', 'page.pdf');
    expect(page.status).toBe(201);
    expect(await app.content(page.body.documents[0]!.id)).not.toContain('<p>');
  });
});
