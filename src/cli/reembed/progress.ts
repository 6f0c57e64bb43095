import { Presets, SingleBar } from 'cli-progress';

/** Shows how far the work is. */
export interface Progress {
  /** @param note why it does not get on, if it does not */
  show(done: number, total: number, note: string | null): void;
  end(): void;
}

/** Lines that are not a terminal's come in steps of this many percent. */
const STEP = 10;

/** A bar on a terminal, lines elsewhere; on the error output, so that the other holds the result alone. */
export function createProgress(output: NodeJS.WriteStream): Progress {
  return output.isTTY ? new BarProgress(output) : new LineProgress((line) => output.write(`${line}\n`));
}

class BarProgress implements Progress {
  private readonly bar: SingleBar;
  private isShown = false;

  constructor(stream: NodeJS.WriteStream) {
    this.bar = new SingleBar(
      { stream, format: '{bar} {percentage} % | {value} of {total} passages | {note}', hideCursor: true },
      Presets.shades_classic,
    );
  }

  show(done: number, total: number, note: string | null): void {
    const payload = { note: note ?? '' };
    if (!this.isShown) this.bar.start(total, done, payload);
    this.isShown = true;
    this.bar.setTotal(total);
    this.bar.update(done, payload);
  }

  end(): void {
    if (this.isShown) this.bar.stop();
  }
}

/** One line when something is worth one. */
export class LineProgress implements Progress {
  private step = -1;
  private note: string | null = null;

  constructor(private readonly write: (line: string) => void) {}

  show(done: number, total: number, note: string | null): void {
    const percent = total === 0 ? 100 : Math.floor((done / total) * 100);
    const step = Math.floor(percent / STEP);
    if (step !== this.step) this.write(`${done} of ${total} passages (${percent} %)`);
    if (note !== null && note !== this.note) this.write(note);
    this.step = step;
    this.note = note;
  }

  end(): void {
    // every line is whole
  }
}
