import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { AnswerStore } from './answer-store.js';

const INTERVAL_MS = 3_600_000;
/** Replicas that started together look at different times. */
const JITTER_MS = 600_000;
/** Rows deleted in one transaction. */
const BATCH = 1_000;

/** Deletes answers that are older than they may be, at the start and every hour, on every replica. */
@Injectable()
export class AnswerRetention implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('AnswerRetention');
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();
  private isStopping = false;

  constructor(private readonly store: AnswerStore) {}

  onApplicationBootstrap(): void {
    this.running = this.run();
  }

  /** What is not deleted yet is left for the next start. */
  async beforeApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    clearTimeout(this.timer);
    await this.running;
  }

  /** Deletes all that are too old, in short transactions. @returns how many */
  async purge(): Promise<number> {
    let total = 0;
    let deleted = BATCH;
    while (deleted === BATCH && !this.isStopping) {
      deleted = await this.store.deleteOld(BATCH);
      total += deleted;
    }
    return total;
  }

  private async run(): Promise<void> {
    try {
      const count = await this.purge();
      if (count > 0) this.logger.log(`Answers deleted that were too old: ${count}`);
    } catch (error) {
      this.logger.error({ err: error }, 'Old answers could not be deleted');
    }
    if (this.isStopping) return;
    const delay = INTERVAL_MS + Math.random() * JITTER_MS;
    this.timer = setTimeout(() => void (this.running = this.run()), delay).unref();
  }
}
