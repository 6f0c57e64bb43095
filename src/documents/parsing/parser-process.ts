// A process of its own in which documents are read, so that a file that makes its reader crash, hang or eat memory takes
// nothing else with it. It sees no secret: it is started with an empty environment, and may neither write files nor
// start processes.
import { Worker } from 'node:worker_threads';
import { UnreadableDocumentError } from '../loaders/index.js';
import type { DocumentInput } from '../loaders/index.js';
import { parseDocument } from './parse-document.js';
import type { ParserReply } from './parser-reply.js';

const [memoryLimit = '0'] = process.argv.slice(2);
/** How often the watchdog looks. */
const WATCH_MS = 50;

// the parent decides when this process ends; a Ctrl-C in a terminal reaches both
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
process.on('disconnect', () => process.exit());
process.on('message', (input: DocumentInput) => {
  void answer(input).then((reply) => process.send?.(reply));
});
// in a thread, because a reader may keep this one busy. A signal that nothing else here uses says why the end came.
const watchdog = new Worker(
  `const parent = process.ppid;
   setInterval(() => {
     if (process.memoryUsage.rss() > ${Number(memoryLimit)}) process.kill(process.pid, 'SIGUSR2');
     if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
   }, ${WATCH_MS});`,
  { eval: true },
);
watchdog.unref();

async function answer(input: DocumentInput): Promise<ParserReply> {
  try {
    const document = await parseDocument(input);
    return { document, isWornOut: isWornOut() };
  } catch (error) {
    if (error instanceof UnreadableDocumentError)
      return { unreadable: error.message, isWornOut: isWornOut() };
    return {
      failure: error instanceof Error ? (error.stack ?? error.message) : String(error),
      isWornOut: true,
    };
  }
}

/** What the last document left behind would count against the next one. */
function isWornOut(): boolean {
  return process.memoryUsage.rss() > Number(memoryLimit) / 2;
}
