import { mapLimit } from '../common/index.js';
import type { BeirCollection } from './beir.js';
import { mean } from './measures.js';

/** What of an answer is judged. */
interface Answer {
  answer: string;
  finish_reason: string;
  sources: { document_id: string }[];
  citations: {
    start: number;
    end: number;
    source: number;
    quote: string;
    source_start: number;
    source_end: number;
  }[];
}

export interface AnswerScores {
  questions: number;
  /** Shares, 0..1: questions that got an answer; whose answer holds a gold answer; whose answer is one. */
  answered: number;
  containment: number;
  exactMatch: number;
  /** Cited passages an answer, on average and at most. */
  meanQuotes: number;
  mostQuotes: number;
  citations: number;
  /** Citations whose quote is not the document's text at their offsets. */
  wrongOffsets: number;
}

const QUESTIONS_AT_ONCE = 4;

/** Asks the running service every question that has gold answers. @param limit of the first ones */
export async function evaluateAnswers(
  url: string,
  collectionName: string,
  { queries }: BeirCollection,
  limit: number,
): Promise<AnswerScores> {
  const asked = queries.filter(({ answers }) => answers.length > 0).slice(0, limit);
  const texts = new Map<string, Promise<string>>();
  const textOf = (id: string): Promise<string> => {
    const known = texts.get(id) ?? fetch(`${url}/documents/${id}/content`).then((reply) => reply.text());
    texts.set(id, known);
    return known;
  };
  const judged = await mapLimit(asked, QUESTIONS_AT_ONCE, async ({ text, answers }) => {
    const answer = await ask(url, text, collectionName);
    let wrongOffsets = 0;
    for (const { source, quote, source_start, source_end } of answer.citations) {
      const document = await textOf(answer.sources[source]?.document_id ?? '');
      if (document.slice(source_start, source_end) !== quote) wrongOffsets++;
    }
    const said = normalise(answer.answer);
    const isAnswered = answer.citations.length > 0;
    return {
      isAnswered,
      holds: isAnswered && answers.some((gold) => ` ${said} `.includes(` ${normalise(gold)} `)),
      isExact: answers.some((gold) => said === normalise(gold)),
      quotes: answer.citations.length,
      wrongOffsets,
    };
  });
  const share = (is: (one: (typeof judged)[0]) => boolean): number =>
    mean(judged.map((one) => Number(is(one))));
  return {
    questions: judged.length,
    answered: share(({ isAnswered }) => isAnswered),
    containment: share(({ holds }) => holds),
    exactMatch: share(({ isExact }) => isExact),
    meanQuotes: mean(judged.filter(({ isAnswered }) => isAnswered).map(({ quotes }) => quotes)),
    mostQuotes: Math.max(0, ...judged.map(({ quotes }) => quotes)),
    citations: judged.reduce((sum, { quotes }) => sum + quotes, 0),
    wrongOffsets: judged.reduce((sum, one) => sum + one.wrongOffsets, 0),
  };
}

async function ask(url: string, question: string, collection: string): Promise<Answer> {
  const response = await fetch(`${url}/ask`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ question, collections: [collection] }),
  });
  if (response.status !== 200)
    throw new Error(`POST /ask answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Answer;
}

/** As SQuAD's evaluation does it (Rajpurkar et al. 2016): no case, no punctuation, no articles, single spaces. */
function normalise(text: string): string {
  return text
    .toLowerCase()
    .replace(/[\p{P}\p{S}]/gu, '')
    .replace(/\b(?:a|an|the)\b/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}
