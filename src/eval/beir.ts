import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A test collection in BEIR layout: corpus.jsonl, queries.jsonl, qrels/test.tsv. */
export interface BeirCollection {
  documents: { id: string; title: string; text: string }[];
  /** Only those that have judgements. */
  queries: { id: string; text: string; answers: string[] }[];
  /** Query id → document id → relevance grade. */
  relevance: Map<string, Map<string, number>>;
}

interface CorpusLine {
  _id: string;
  title?: string;
  text: string;
}

interface QueryLine {
  _id: string;
  text: string;
  metadata?: { answers?: string[] };
}

export function readBeir(folder: string): BeirCollection {
  const relevance = new Map<string, Map<string, number>>();
  for (const line of readFileSync(join(folder, 'qrels', 'test.tsv'), 'utf8')
    .trim()
    .split('\n')
    .slice(1)) {
    const [query = '', document = '', grade = '0'] = line.split('\t');
    if (Number(grade) <= 0) continue;
    const judged = relevance.get(query) ?? new Map<string, number>();
    relevance.set(query, judged.set(document, Number(grade)));
  }
  return {
    documents: lines<CorpusLine>(join(folder, 'corpus.jsonl')).map(({ _id, title = '', text }) => ({
      id: _id,
      title,
      text,
    })),
    queries: lines<QueryLine>(join(folder, 'queries.jsonl'))
      .filter(({ _id }) => relevance.has(_id))
      .map(({ _id, text, metadata }) => ({ id: _id, text, answers: metadata?.answers ?? [] })),
    relevance,
  };
}

function lines<T>(file: string): T[] {
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
}
