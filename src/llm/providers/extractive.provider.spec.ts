import { describe, expect, it } from 'vitest';
import { splitSentences } from '../../common/text/index.js';
import type { ModelCitation } from '../language-model.js';
import { ExtractiveLanguageModel, NO_ANSWER } from './extractive.provider.js';

async function ask(question: string, texts: string[], maxTokens = 200) {
  const sources = texts.map((text, index) => ({
    title: `Document ${index}`,
    url: null,
    text,
    sentences: splitSentences(text),
  }));
  const request = { question, questionText: question, sources, maxTokens };
  const rest = { instructions: '', markerInstructions: '', sourcesText: '', history: [] };
  let answer = '';
  const citations: ModelCitation[] = [];
  const types: string[] = [];
  for await (const event of new ExtractiveLanguageModel().stream(
    { ...request, ...rest },
    new AbortController().signal,
  )) {
    types.push(event.type);
    if (event.type === 'text') answer += event.text;
    if (event.type === 'citation') citations.push(event);
  }
  const quotes = citations.map(({ source, quote }) => texts[source]!.slice(quote!.start, quote!.end));
  return { answer, citations, quotes, types };
}

const HANDBOOK =
  'The handbook was first printed in 1998. Signing keys rotate every 90 days, and the owner gets a reminder a week before. ' +
  'Lunch is at noon. How do I rotate a signing key?';
const WIKI = 'Bananas are rich in potassium. Anna Schmidt maintains the signing service in Berlin.';

describe('ExtractiveLanguageModel', () => {
  it('quotes the sentence that answers, word for word', async () => {
    const { answer, quotes, citations } = await ask('How often do the signing keys rotate?', [
      HANDBOOK,
      WIKI,
    ]);
    expect(answer).toBe('Signing keys rotate every 90 days, and the owner gets a reminder a week before.');
    expect(quotes).toEqual([answer]);
    expect(citations[0]).toMatchObject({ start: 0, end: answer.length, source: 0 });
  });

  it.each([
    ['When was the handbook printed?', '1998'],
    ['Who maintains the signing service?', 'Anna Schmidt'],
    ['What are bananas rich in?', 'potassium'],
  ])('answers %j', async (question, answer) => {
    expect((await ask(question, [HANDBOOK, WIKI])).answer).toContain(answer);
  });

  it.each([
    ['nothing matches', 'What is the capital of Mongolia?', [HANDBOOK, WIKI]],
    ['there are no sources', 'How often do keys rotate?', []],
    ['the question says nothing', 'What is it?', [HANDBOOK]],
  ])('says so when %s', async (_, question, texts) => {
    const { answer, citations, types } = await ask(question, texts);
    expect(answer).toBe(NO_ANSWER);
    expect(citations).toEqual([]);
    expect(types.at(-1)).toBe('finish');
  });

  it('turns line breaks into spaces and leaves list marks out, so that the quote fits its span', async () => {
    const text = '# Keys\n\n- Signing keys\n  rotate every 90 days.\n- Lunch is at noon.';
    const { answer, quotes } = await ask('How often do signing keys rotate?', [text]);
    expect(answer).toBe('Signing keys   rotate every 90 days.');
    expect(quotes).toEqual(['Signing keys\n  rotate every 90 days.']);
  });

  it('does not say the same twice', async () => {
    const { citations } = await ask('How often do the signing keys rotate?', [HANDBOOK, HANDBOOK]);
    expect(citations).toHaveLength(1);
  });

  it('adds a close second, and each citation covers its sentence', async () => {
    const texts = [
      'Signing keys rotate every 90 days.',
      'Signing keys in the archive rotate only once a decade, by hand.',
    ];
    const { answer, citations, quotes } = await ask('How often do signing keys rotate?', texts);
    expect(citations.map(({ start, end }) => answer.slice(start, end))).toEqual(quotes);
    expect(quotes).toHaveLength(2);
  });

  it('keeps to the token limit but always gives the best sentence', async () => {
    const texts = [
      'Signing keys rotate every 90 days.',
      'Signing keys in the archive rotate only once a decade, by hand.',
    ];
    expect((await ask('How often do signing keys rotate?', texts, 5)).citations).toHaveLength(1);
  });
});
