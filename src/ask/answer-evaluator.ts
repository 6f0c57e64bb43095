import { Injectable, Logger } from '@nestjs/common';
import { AppError, ModelError, modelProblem } from '../common/index.js';
import { type BilledCall, type Payer, type Tab, Tabs } from '../costs/index.js';
import { InvalidJudgementError, Judge, type JudgedAnswer } from '../evaluation/index.js';
import type { Evaluation } from './answer-event.js';
import { billAttempts, billOf } from './bill.js';
import { worstCase } from './generation/answer-generator.js';

/** Has answers judged, within the budgets, with the judge's calls in the ledger. */
@Injectable()
export class AnswerEvaluator {
  private readonly logger = new Logger('Evaluation');

  constructor(
    private readonly judge: Judge,
    private readonly tabs: Tabs,
  ) {}

  /**
   * Judges an answer. A judge that fails, or does not fit into the budget, is told of in the result: it fails no answer.
   * @throws the signal's reason when aborted
   */
  async evaluate(
    { requestId, payer }: { requestId: string; payer: Payer },
    input: JudgedAnswer,
    signal: AbortSignal,
  ): Promise<Evaluation> {
    const tab = this.tabs.openTab(requestId, false, payer);
    const calls: BilledCall[] = [];
    try {
      const judgement = await this.run(tab, calls, input, signal);
      return { ...judgement, costUsd: billOf(calls).costUsd };
    } catch (error) {
      signal.throwIfAborted();
      return { error: this.told(error, requestId) };
    } finally {
      // the ledger tells of what it cannot write, and keeps it
      await tab.settle().catch(() => undefined);
    }
  }

  private async run(tab: Tab, calls: BilledCall[], input: JudgedAnswer, signal: AbortSignal) {
    const judging = this.judge.prepare(input);
    const [giveUp] = await tab.hold(() => [worstCase(judging.models, judging.request)]);
    try {
      return await this.judge.run(judging, input, signal, {
        beforeAttempt: () => tab.cover(),
        onAttempt: billAttempts(tab, 'judge', calls),
      });
    } finally {
      giveUp?.();
    }
  }

  /** What the caller is told of a failure; an unexpected one goes to the log, and only there in full. */
  private told(error: unknown, requestId: string): string {
    if (error instanceof ModelError) return modelProblem(error, 'The answer could not be judged').message;
    if (error instanceof AppError || error instanceof InvalidJudgementError) return error.message;
    this.logger.error({ err: error, ask: requestId }, 'A judge failed unexpectedly');
    return 'The answer could not be judged.';
  }
}
