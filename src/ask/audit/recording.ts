import { randomUUID } from 'node:crypto';
import { ClientDisconnectedError, toAppError } from '../../common/index.js';
import type { BilledCall } from '../../costs/index.js';
import type { LanguageModel } from '../../llm/index.js';
import type { AlternativeAnswer } from '../answer-event.js';
import type { Outcome } from '../outcome.js';
import type { PreparedPrompt } from '../prompt-request.js';
import type { Found } from '../query-understanding/source-finder.js';
import type { Question } from '../question.js';

/** Of an ask whose caller left before its end. */
const ABORTED = 'ABORTED';

/** What one ask has come to until now. Every recording that is begun must be ended, whatever happens. */
export class Recording {
  readonly id = randomUUID();
  /** The calls to models that finding the passages took, and those that answering took, each when it was over. */
  readonly findingCalls: BilledCall[] = [];
  readonly answerCalls: BilledCall[] = [];
  readonly alternatives: AlternativeAnswer[] = [];
  found: Found | undefined;
  prompt: PreparedPrompt | undefined;
  outcome: Outcome | undefined;
  /** The code of the error that it ended with; null: none. */
  error: string | null = null;
  private readonly started = performance.now();
  private isFinished = false;
  private written: Promise<void> | undefined;

  /**
   * @param models those that are to answer, in order
   * @param write keeps the recording as it is then; called once, must not reject
   */
  constructor(
    readonly question: Question,
    readonly models: readonly LanguageModel[],
    private readonly write: (recording: Recording) => Promise<void>,
  ) {}

  get calls(): BilledCall[] {
    return [...this.findingCalls, ...this.answerCalls];
  }

  /** Milliseconds since the ask began. */
  get latencyMs(): number {
    return performance.now() - this.started;
  }

  /** The answer is complete. Resolves when that is written down; never rejects. */
  finish(): Promise<void> {
    this.isFinished = true;
    return this.end();
  }

  /** The ask ends with an error. */
  fail(error: unknown): void {
    this.error = error instanceof ClientDisconnectedError ? ABORTED : toAppError(error).code;
  }

  /** Nothing more will come. Resolves when it is written down, which is done once; never rejects. */
  end(): Promise<void> {
    if (!this.isFinished) this.error ??= ABORTED;
    return (this.written ??= this.write(this));
  }
}
