import type { IngestFile } from './file-finder.js';

/** What became of a file. */
export type Outcome =
  | { file: IngestFile; result: 'ready' | 'unchanged' }
  | { file: IngestFile; result: 'failed'; reason: string };

/** Failures that are told one by one. */
const MOST_TOLD = 50;

/** Counts what became of the files, and keeps the failures that will be told. */
export class Tally {
  ready = 0;
  unchanged = 0;
  failed = 0;
  readonly #failures: { path: string; reason: string }[] = [];

  /**
   * @param total how many files there are
   * @param listener is told of every outcome
   */
  constructor(
    readonly total: number,
    private readonly listener: (outcome: Outcome) => void = () => undefined,
  ) {}

  /** Files of which is known what became of them. */
  get settled(): number {
    return this.ready + this.unchanged + this.failed;
  }

  /** Takes an outcome down. */
  add(outcome: Outcome): void {
    this[outcome.result]++;
    if (outcome.result === 'failed' && this.#failures.length < MOST_TOLD)
      this.#failures.push({ path: outcome.file.path, reason: outcome.reason });
    this.listener(outcome);
  }

  /** The end of a run in words. @param nameOf how the user calls a path */
  summary(nameOf: (path: string) => string): string {
    const unsettled = this.total - this.settled;
    const rows: (readonly [string, number])[] = [
      ['ready', this.ready],
      ['unchanged', this.unchanged],
      ['failed', this.failed],
      ...(unsettled > 0 ? [['unfinished', unsettled] as const] : []),
    ];
    const width = Math.max(...rows.map(([, count]) => String(count).length));
    const table = rows.map(([name, count]) => `${name.padEnd(10)}  ${String(count).padStart(width)}`);
    const failures = this.#failures.map(({ path, reason }) => `${nameOf(path)}: ${reason}`);
    const more = this.failed - failures.length;
    if (more > 0) failures.push(`and ${more} more`);
    return [...table, ...(failures.length > 0 ? ['', ...failures] : [])].join('\n');
  }
}
