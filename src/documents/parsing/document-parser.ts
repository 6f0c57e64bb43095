import { type ChildProcess, fork } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Injectable } from '@nestjs/common';
import { type DocumentInput, findLoader, UnreadableDocumentError } from '../loaders/index.js';
import { type ParsedDocument, parseDocument } from './parse-document.js';
import type { ParserReply } from './parser-reply.js';

/** Bounds of reading one document. */
export interface ParserLimits {
  /** Longest time, in ms. */
  timeoutMs: number;
  /** Largest resident size of a parser process, in bytes. */
  memoryBytes: number;
  /** Idle parser processes end after this time, in ms. */
  idleMs: number;
}

const MEGABYTE = 1024 * 1024;
const LIMITS: ParserLimits = { timeoutMs: 120_000, memoryBytes: 1024 * MEGABYTE, idleMs: 60_000 };
/** Share of the memory that JavaScript objects may take; the rest is the runtime's and unpacked bytes. */
const HEAP_SHARE = 0.75;
/** Up to this size, plain text and Markdown are read here: a message to a process takes longer than reading them. */
const SMALL = 32 * 1024;
// beside this file where the service was built; run from source, the built one
const ENTRY = fileURLToPath(
  new URL(
    import.meta.url.endsWith('.ts')
      ? '../../../dist/documents/parsing/parser-process.js'
      : './parser-process.js',
    import.meta.url,
  ),
);

/** All that it may read: the service's code, but neither its data nor the secrets of other processes. */
const READABLE = readablePaths();

/** The parser process ended without an answer and for no reason that the document gives: it may be tried again. */
export class ParserGoneError extends Error {
  override readonly name = 'ParserGoneError';
}

/** Reads documents in processes of their own, with a memory cap and a time limit. */
@Injectable()
export class DocumentParser {
  private readonly idle = new Map<ChildProcess, NodeJS.Timeout>();
  private readonly busy = new Set<ChildProcess>();
  private isStopped = false;

  constructor(private readonly limits: ParserLimits = LIMITS) {}

  /**
   * Reads a document and cuts it into passages. Each call under way has a process to itself: bound how many there are.
   * @throws {UnreadableDocumentError} when it cannot be read, or not within the limits
   * @throws {ParserGoneError} when its process was ended from outside; the signal's reason when aborted
   */
  async parse(input: DocumentInput, signal: AbortSignal): Promise<ParsedDocument> {
    signal.throwIfAborted();
    if (input.bytes.length <= SMALL && findLoader(input)?.isLight === true) return parseDocument(input);
    if (this.isStopped) throw new ParserGoneError('the service is stopping');
    const child = this.take();
    this.busy.add(child);
    try {
      const reply = await this.ask(child, input, signal);
      if (reply.isWornOut || this.isStopped) child.kill('SIGKILL');
      else this.giveBack(child);
      if ('document' in reply) return reply.document;
      if ('unreadable' in reply) throw new UnreadableDocumentError(reply.unreadable);
      throw new Error(`A document could not be read: ${reply.failure}`);
    } finally {
      this.busy.delete(child);
    }
  }

  /** Ends all processes; what is being read is given up. */
  stop(): void {
    this.isStopped = true;
    for (const child of [...this.idle.keys(), ...this.busy]) child.kill('SIGKILL');
    for (const timer of this.idle.values()) clearTimeout(timer);
    this.idle.clear();
  }

  private take(): ChildProcess {
    for (const [child, timer] of this.idle) {
      clearTimeout(timer);
      this.idle.delete(child);
      if (child.connected) return child;
    }
    const heapMegabytes = Math.floor((this.limits.memoryBytes * HEAP_SHARE) / MEGABYTE);
    const child = fork(ENTRY, [String(this.limits.memoryBytes)], {
      env: {},
      execArgv: [
        `--max-old-space-size=${heapMegabytes}`,
        '--permission',
        ...READABLE.map((path) => `--allow-fs-read=${path}`),
        '--allow-worker',
        '--disable-warning=SecurityWarning',
      ],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    // a process that could not be started tells so several times, also when nobody asks it any more
    return child.on('error', () => undefined);
  }

  private giveBack(child: ChildProcess): void {
    const timer = setTimeout(() => {
      this.idle.delete(child);
      child.kill('SIGKILL');
    }, this.limits.idleMs);
    this.idle.set(child, timer.unref());
    // neither keeps this process from ending
    child.unref();
    child.channel?.unref();
  }

  private ask(child: ChildProcess, input: DocumentInput, signal: AbortSignal): Promise<ParserReply> {
    const { timeoutMs, memoryBytes } = this.limits;
    child.ref();
    child.channel?.ref();
    return new Promise<ParserReply>((resolve, reject) => {
      const end = (settle: () => void): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        child.off('message', onReply).off('exit', onExit).off('error', onError);
        settle();
      };
      const giveUp = (error: unknown): void => {
        end(() => reject(error));
        child.kill('SIGKILL');
      };
      const onAbort = (): void => giveUp(signal.reason);
      const onError = (error: Error): void => giveUp(new ParserGoneError(error.message));
      const onReply = (reply: ParserReply): void => end(() => resolve(reply));
      const onExit = (code: number | null, killedBy: NodeJS.Signals | null): void =>
        end(() => reject(reasonOf(code, killedBy, memoryBytes)));
      const timer = setTimeout(
        () => giveUp(new UnreadableDocumentError(`Reading it took longer than ${timeoutMs / 1000} s.`)),
        timeoutMs,
      );
      signal.addEventListener('abort', onAbort);
      child.on('message', onReply).on('exit', onExit).on('error', onError);
      try {
        child.send(input);
      } catch (error) {
        onError(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }
}

function readablePaths(): string[] {
  const built = resolve(dirname(ENTRY), '..', '..');
  const packages = createRequire(ENTRY)
    .resolve('parse5')
    .replace(/([\\/]node_modules)[\\/].*/s, '$1');
  const installed = resolve(built, '..', 'node_modules');
  const folders = [built, packages, installed].filter((path) => existsSync(path));
  return [
    ...new Set(
      [...folders, resolve(built, '..', 'package.json')].flatMap((path) => [path, realpathSync(path)]),
    ),
  ];
}

/** Why a process ended in the middle of a document. */
function reasonOf(code: number | null, killedBy: NodeJS.Signals | null, memoryBytes: number): Error {
  // by its watchdog, or by the runtime when there is no room for another object
  const isOutOfMemory = killedBy === 'SIGUSR2' || killedBy === 'SIGABRT' || code === 134;
  if (isOutOfMemory)
    return new UnreadableDocumentError(`Reading it takes more than ${memoryBytes / MEGABYTE} MB of memory.`);
  return new ParserGoneError(`the parser process ended with ${killedBy ?? code}`);
}
