import type { FinishReason } from '../llm/index.js';
import type { AnswerEvent, Citation, Timings } from './answer-event.js';
import { type ShownSource, verifyCitation } from './citation-verifier.js';
import type { Finish, GenerationEvent } from './generation/generation.js';

/** The answer when nothing in the knowledge base has to do with the question. */
export const NO_CONTEXT_ANSWER = "I don't have information about this in my knowledge base.";

/** What has come out of a generation so far. */
export class Outcome {
  answer = '';
  readonly citations: Citation[] = [];
  finish: Finish | undefined;
  finishReason: FinishReason | 'no_context' = 'other';
  private readonly started = performance.now();
  private firstTokenMs: number | null = null;
  private generateMs = 0;

  constructor(private readonly sources: readonly ShownSource[]) {}

  *noContext(): Generator<AnswerEvent> {
    this.finishReason = 'no_context';
    this.answer = NO_CONTEXT_ANSWER;
    yield { type: 'token', text: NO_CONTEXT_ANSWER };
  }

  /** Takes an event; returns what the caller is told of it. */
  take(event: GenerationEvent): AnswerEvent | undefined {
    switch (event.type) {
      case 'text':
        this.firstTokenMs ??= performance.now() - this.started;
        this.answer += event.text;
        return { type: 'token', text: event.text };
      case 'citation': {
        const citation = verifyCitation(event, this.answer, this.sources);
        if (citation === undefined) return undefined;
        this.citations.push(citation);
        return { type: 'citation', citation };
      }
      case 'finish':
        this.finish = event;
        this.finishReason = event.reason;
        this.generateMs = performance.now() - this.started;
        return undefined;
      case 'admitted':
        return undefined;
      default:
        return event satisfies never;
    }
  }

  timings(): Pick<Timings, 'firstTokenMs' | 'generateMs'> {
    return { firstTokenMs: this.firstTokenMs, generateMs: this.generateMs };
  }
}
