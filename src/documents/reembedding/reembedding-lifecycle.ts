import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleDestroy,
} from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { Builds } from './builds.js';
import { Reembedder } from './reembedder.js';
import { ReembeddingQueue } from './reembedding-queue.js';
import { RetiredSpaces } from './retired-spaces.js';

/** How often is looked for lost jobs and for old vectors. */
const INTERVAL_MS = 60_000;

/** Starts and stops the building of vector spaces with the application, and takes up what crashes have left. */
@Injectable()
export class ReembeddingLifecycle implements OnApplicationBootstrap, OnModuleDestroy, OnApplicationShutdown {
  private readonly logger = new Logger('Reembedding');
  private timer: NodeJS.Timeout | undefined;
  private tidying: Promise<void> = Promise.resolve();

  constructor(
    private readonly config: AppConfig,
    private readonly queue: ReembeddingQueue,
    private readonly reembedder: Reembedder,
    private readonly builds: Builds,
    private readonly retired: RetiredSpaces,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    // a server may have other replicas; the embedded database has no other process
    const isAlone = this.config.database.url === undefined;
    await this.queue.start((job) => this.reembedder.handle(job), isAlone);
    const tidy = (): void => {
      this.tidying = this.tidying
        .then(() => this.tidy())
        .catch((error: unknown) => this.logger.error({ err: error }, 'Tidying up failed'));
    };
    tidy();
    this.timer = setInterval(tidy, INTERVAL_MS).unref();
  }

  /** Before the embedding models are closed. */
  async onModuleDestroy(): Promise<void> {
    await this.queue.pause();
    await this.reembedder.stop();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    this.retired.stop();
    await this.tidying;
    await this.queue.stop();
  }

  private async tidy(): Promise<void> {
    await this.builds.requeue();
    await this.retired.clean();
  }
}
