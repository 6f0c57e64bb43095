// Real: HTTP, database, job queue, language detection, stemming and keyword search. Nothing is faked.
import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Languages1764360000000 } from '../src/database/migrations/1764360000000-languages.js';
import type { CollectionDto } from '../src/documents/dto/collection.dto.js';
import { LANGUAGES } from '../src/documents/language/languages.js';
import { createStorage, expectProblem, onServer, startApp, type TestApp } from './support/app.js';

const HOUSE =
  'Ein Haus am See braucht besonders im Frühjahr viel Pflege, weil der Wind vom Wasser die Farbe angreift.';
const STOP_WORDS = 'Das ist die, und der war es auch; sie sind wie wir, und ihr habt es so wie die und das.';
const HOLIDAY =
  'Employees ask their manager for holidays at least two weeks in advance, as the handbook explains.';
const CONGES =
  'Les demandes de congés doivent être adressées au responsable au moins deux semaines à l’avance.';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

/** A collection that no other test uses. */
const ownCollection = (): string => `c-${randomUUID()}`;

const add = async (collection: string, text: string, externalId?: string): Promise<string> =>
  (
    await app.addDocument({
      title: 'Notes',
      text,
      collection,
      ...(externalId === undefined ? {} : { external_id: externalId }),
    })
  ).id;

const languageOf = async (name: string): Promise<string | null> =>
  (await app.get<CollectionDto>(`/collections/${name}`)).body.language;

const found = async (query: string, ...collections: string[]): Promise<string[]> =>
  (await app.search(query, { collections, search_mode: 'keyword', min_similarity: 0 })).map(
    ({ document_id }) => document_id,
  );

/** What triggers keep of a collection: how many postings, and what they add up to. */
async function kept(
  name: string,
): Promise<Record<'chunks' | 'lexemes' | 'postings' | 'frequencies', number>> {
  const [row] = await app.sql<Awaited<ReturnType<typeof kept>>>(
    `SELECT chunk_count::integer AS chunks, lexeme_count::integer AS lexemes, count(p.lexeme)::integer AS postings,
            coalesce(sum(p.tf), 0)::integer AS frequencies
     FROM collections c LEFT JOIN postings p ON p.collection_id = c.id WHERE c.name = $1 GROUP BY c.id`,
    [name],
  );
  return row!;
}

const NOTHING = { chunks: 0, lexemes: 0, postings: 0, frequencies: 0 };

describe('the language of a collection', () => {
  it('is that of its first document, whose words are then found in every form', async () => {
    const name = ownCollection();
    expect((await app.post<CollectionDto>('/collections', { name })).body.language).toBeNull();
    const house = await add(name, HOUSE);
    await add(name, STOP_WORDS);
    expect(await languageOf(name)).toBe('german');
    expect(await found('Häuser', name)).toEqual([house]);
    expect(await found('Wo sind die Häuser, und wie ist das?', name)).toEqual([house]);
    expect(await found('das und die', name)).toEqual([]);
  });

  it('counts in which of a question’s words make a passage worth keeping, whatever its vector says', async () => {
    const name = ownCollection();
    const house = await add(name, HOUSE);
    await add(
      name,
      'Der Garten liegt hinter dem Hof und wird im Herbst von allen Nachbarn gemeinsam umgegraben.',
    );
    for (const search_mode of ['keyword', 'hybrid']) {
      const options = { collections: [name], search_mode, min_similarity: 0.9 };
      const hits = await app.search('Wie pflegt man Häuser und ihre Farben?', options);
      expect(hits.map(({ document_id }) => document_id)).toEqual([house]);
      expect(hits[0]!.similarity_score).toBeLessThan(0.9);
      expect(await app.search('Wie streicht man Häuser und Zäune mit Pinseln?', options)).toEqual([]);
    }
    const { sources } = await app.ask({
      question: 'Wie pflegt man Häuser und ihre Farben?',
      collections: [name],
    });
    expect(sources.map(({ document_id }) => document_id)).toEqual([house]);
  });

  it('can be set, and is not looked for then', async () => {
    const name = ownCollection();
    const made = await app.post<CollectionDto>('/collections', { name, language: 'german' });
    expect(made.status).toBe(201);
    expect(made.body.language).toBe('german');
    const house = await add(name, 'Das Haus.');
    await add(name, HOLIDAY);
    expect(await languageOf(name)).toBe('german');
    expect(await found('Häuser', name)).toEqual([house]);
  });

  it('is English for English, and where it cannot be told', async () => {
    const [english, short] = [ownCollection(), ownCollection()];
    const holiday = await add(english, HOLIDAY);
    const house = await add(short, 'Haus');
    expect(await languageOf(english)).toBe('english');
    expect(await languageOf(short)).toBe('english');
    expect(await found('asking for a holiday', english)).toEqual([holiday]);
    expect(await found('for a', english)).toEqual([]);
    expect(await found('Haus', short)).toEqual([house]);
    expect(await found('Häuser', short)).toEqual([]);
  });

  it('can be none: words are taken as they are', async () => {
    const name = ownCollection();
    await app.post('/collections', { name, language: 'simple' });
    const holiday = await add(name, HOLIDAY);
    expect(await found('holidays', name)).toEqual([holiday]);
    expect(await found('holiday', name)).toEqual([]);
  });

  it('stays when the first document is deleted, or its text is replaced by one in another', async () => {
    const name = ownCollection();
    await app.delete(`/documents/${await add(name, HOUSE)}`);
    expect(await languageOf(name)).toBe('german');
    expect(await kept(name)).toEqual(NOTHING);
    const replaced = await add(name, HOLIDAY, 'one');
    await add(name, `${CONGES} Chaque employé reçoit une réponse.`, 'one');
    expect(await languageOf(name)).toBe('german');
    expect(await found('Réponse', name)).toEqual([replaced]);
    await app.delete(`/documents/${replaced}`);
    expect(await kept(name)).toEqual(NOTHING);
  });

  it('is each one’s own in a search of several', async () => {
    const [german, english, french] = [ownCollection(), ownCollection(), ownCollection()];
    const house = await add(german, HOUSE);
    const house2 = await add(english, `${HOLIDAY} They stay in a haus.`);
    const leave = await add(french, CONGES);
    expect((await found('Häuser demandés', german, english, french)).toSorted()).toEqual(
      [house, leave].toSorted(),
    );
    expect((await found('Haus', german, english, french)).toSorted()).toEqual([house, house2].toSorted());
  });

  it.each(LANGUAGES)('may be %s', async (language) => {
    const name = ownCollection();
    expect((await app.post('/collections', { name, language })).status).toBe(201);
    const id = await add(name, 'Footnote 4711');
    expect(await found('footnote', name)).toEqual([id]);
    await app.delete(`/documents/${id}`);
    expect(await kept(name)).toEqual(NOTHING);
  });

  it.each([['klingon'], ['German'], ['de'], [''], [7], [['german']], ['pg_catalog.german']])(
    'cannot be %j',
    async (language) => {
      const problem = expectProblem(
        await app.post('/collections', { name: ownCollection(), language }),
        400,
        'INVALID_REQUEST',
      );
      expect(problem.errors?.map(({ field }) => field)).toEqual(['language']);
    },
  );
});

describe('what is kept of a collection', () => {
  it('adds up, and comes to nothing when its documents are deleted', async () => {
    const name = ownCollection();
    const ids = [
      await add(name, HOUSE),
      await add(name, HOLIDAY),
      await add(name, `${CONGES}\n\n`.repeat(80)),
    ];
    const all = await kept(name);
    expect(all.chunks).toBeGreaterThan(3);
    expect(all.postings).toBeGreaterThan(20);
    expect(all.lexemes).toBe(all.frequencies);
    for (const id of ids) await app.delete(`/documents/${id}`);
    expect(await kept(name)).toEqual(NOTHING);
  });

  it('goes with the collection', async () => {
    const name = ownCollection();
    await add(name, HOUSE);
    const [row] = await app.sql<{ id: number }>('SELECT id FROM collections WHERE name = $1', [name]);
    expect((await app.delete(`/collections/${name}`)).status).toBe(204);
    expect(await app.sql('SELECT FROM postings WHERE collection_id = $1', [row!.id])).toEqual([]);
  });

  it('is nothing in the postings for English where pg_textsearch indexes that', async () => {
    const name = ownCollection();
    await add(name, HOLIDAY);
    const { postings, lexemes } = await kept(name);
    const [{ textsearch }] = (await app.sql<{ textsearch: boolean }>(
      "SELECT EXISTS (SELECT FROM pg_indexes WHERE indexname = 'chunks_bm25_idx') AS textsearch",
    )) as [{ textsearch: boolean }];
    if (textsearch) expect({ postings, lexemes }).toEqual({ postings: 0, lexemes: 0 });
    else expect(postings).toBeGreaterThan(5);
  });

  it('is in English when it was written by an older version, which knows of no languages', async () => {
    const name = ownCollection();
    await app.post('/collections', { name });
    const [collection] = await app.sql<{ id: number }>('SELECT id FROM collections WHERE name = $1', [name]);
    await app.sql(
      `WITH document AS (
         INSERT INTO documents (collection_id, title, content_hash) VALUES ($1, 'Old', '\\x00') RETURNING id
       )
       INSERT INTO chunks (document_id, collection_id, ordinal, start_offset, end_offset, heading_path, context, text)
       SELECT id, $1, 0, 0, 9, '{}', 'Old', 'Ein Haus' FROM document`,
      [collection!.id],
    );
    expect(await languageOf(name)).toBe('english');
    await app.sql('DELETE FROM documents WHERE collection_id = $1', [collection!.id]);
    expect(await kept(name)).toEqual(NOTHING);
  });
});

describe('first documents that come together', () => {
  it('agree on a language', async () => {
    for (let round = 0; round < 3; round++) {
      const name = ownCollection();
      const ids = await Promise.all([HOUSE, CONGES, HOLIDAY].map((text) => add(name, text)));
      expect(['german', 'french', 'english']).toContain(await languageOf(name));
      await Promise.all(ids.map((id) => app.delete(`/documents/${id}`)));
      expect(await kept(name)).toEqual(NOTHING);
    }
  });

  it.skipIf(!onServer)('agree on a language when several replicas write them', async () => {
    const storage = await createStorage();
    const replicas = await Promise.all([startApp({}, storage), startApp({}, storage)]);
    try {
      for (let round = 0; round < 5; round++) {
        const collection = ownCollection();
        const texts = [HOUSE, CONGES, HOLIDAY, `${HOUSE} ${HOUSE}`];
        await Promise.all(
          texts.map((text, index) => replicas[index % 2]!.addDocument({ title: 'Notes', text, collection })),
        );
        const [row] = await replicas[0].sql<{ language: string; misfits: number }>(
          `SELECT language, (SELECT count(*)::integer FROM chunks CROSS JOIN LATERAL
                    unnest(to_tsvector(c.language::regconfig, context || ' ' || text)) AS term
                  FULL JOIN postings p ON p.chunk_id = chunks.id AND p.lexeme = term.lexeme
                  WHERE coalesce(chunks.collection_id, p.collection_id) = c.id
                    AND (p.lexeme IS NULL OR term.lexeme IS NULL)) AS misfits
           FROM collections c WHERE name = $1`,
          [collection],
        );
        expect(['german', 'french', 'english']).toContain(row?.language);
        expect(row?.misfits).toBe(0);
      }
    } finally {
      for (const replica of replicas) await replica.stop();
      await storage.remove();
    }
  });
});

describe('the migration', () => {
  it('can be taken back, and what is indexed goes on fitting what is deleted', async () => {
    const name = ownCollection();
    const id = await add(name, HOUSE);
    const empty = ownCollection();
    await app.post('/collections', { name: empty });
    const migration = new Languages1764360000000();
    const runner = app.app.get(DataSource).createQueryRunner();
    await runner.startTransaction();
    await migration.down(runner);
    await migration.up(runner);
    await runner.commitTransaction();
    await runner.release();
    expect(await languageOf(name)).toBe('english');
    expect(await languageOf(empty)).toBeNull();
    expect(await found('Haus', name)).toEqual([id]);
    expect(await found('Häuser', name)).toEqual([]);
    await app.delete(`/documents/${id}`);
    expect(await kept(name)).toEqual(NOTHING);
  });
});
