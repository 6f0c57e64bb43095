import { Presets, SingleBar } from 'cli-progress';
import type { RunState } from './ingester.js';

const BAR_MS = 200;
const LINE_MS = 5_000;

/**
 * Shows how far a run is: as a bar on a terminal, else as a line every few seconds.
 * @param pauseMs how long the service has asked to wait
 * @returns ends it
 */
export function showProgress(state: RunState, pauseMs: () => number, stream: NodeJS.WriteStream): () => void {
  return stream.isTTY ? showBar(state, pauseMs, stream) : writeLines(state, pauseMs, stream);
}

function showBar(state: RunState, pauseMs: () => number, stream: NodeJS.WriteStream): () => void {
  const bar = new SingleBar(
    { format: '{bar} {value}/{total} files{note}', stream, hideCursor: true, gracefulExit: false },
    Presets.shades_classic,
  );
  const update = (): void => bar.update(state.tally.settled, { note: noteOf(state, pauseMs()) });
  bar.start(state.tally.total, 0, { note: '' });
  const timer = setInterval(update, BAR_MS);
  return () => {
    clearInterval(timer);
    update();
    bar.stop();
  };
}

function writeLines(state: RunState, pauseMs: () => number, stream: NodeJS.WriteStream): () => void {
  const timer = setInterval(
    () => stream.write(`${state.tally.settled} of ${state.tally.total} files${noteOf(state, pauseMs())}\n`),
    LINE_MS,
  );
  return () => clearInterval(timer);
}

function noteOf({ tally, waiting }: RunState, pauseMs: number): string {
  const notes = [
    ...(tally.failed > 0 ? [`${tally.failed} failed`] : []),
    ...(waiting > 0 ? [`${waiting} being made searchable`] : []),
    ...(pauseMs > 0 ? [`${Math.ceil(pauseMs / 1000)} s until the service takes more`] : []),
  ];
  return notes.map((note) => `, ${note}`).join('');
}
