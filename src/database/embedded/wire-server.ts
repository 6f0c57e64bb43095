// A PostgreSQL wire server over one PGlite instance. Erasable TypeScript without relative imports, as worker.ts.
import { createServer, type Server, type Socket } from 'node:net';

/** What is needed of PGlite. */
export interface WireDatabase {
  execProtocolRawStream(
    message: Uint8Array,
    options: { onRawData: (data: Uint8Array) => void },
  ): Promise<void>;
  exec(query: string): Promise<unknown>;
  isInTransaction(): boolean;
}

/** Codes in place of a protocol version (PostgreSQL 18, 54.2.9 and 54.7). */
const SSL_REQUEST = 80_877_103;
const CANCEL_REQUEST = 80_877_102;
const QUERY = 'Q'.charCodeAt(0);
const SYNC = 'S'.charCodeAt(0);
const TERMINATE = 'X'.charCodeAt(0);
/** Larger than any statement that Footnote sends; a length above it is not PostgreSQL's protocol. */
const LARGEST_MESSAGE = 1024 * 1024 * 1024;

interface Job {
  session: Session;
  bytes: Uint8Array;
}

interface Session {
  socket: Socket;
  chunks: Buffer[];
  /** Bytes in `chunks`. */
  size: number;
  isStarted: boolean;
  /** Length up to which the pending bytes are whole messages that wait for their Sync. */
  scanned: number;
}

/**
 * Serves PGlite to ordinary PostgreSQL clients. All connections share one backend session, so what must not be mixed is
 * kept together: the messages of an extended query up to its Sync are run as one, and while a transaction is open only
 * the connection that opened it is served. (The server that comes with PGlite runs message by message, which lets one
 * connection's Parse replace another's unnamed statement before it is bound.)
 */
export class WireServer {
  readonly #database: WireDatabase;
  readonly #server: Server;
  readonly #sessions = new Set<Session>();
  #queue: Job[] = [];
  #owner: Session | undefined;
  #isBusy = false;

  constructor(database: WireDatabase) {
    this.#database = database;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  async listen(path: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(path, resolve);
    });
  }

  /** Ends all connections. What runs is finished; what waits is dropped. */
  async close(): Promise<void> {
    this.#queue = [];
    for (const { socket } of this.#sessions) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(socket: Socket): void {
    const session: Session = { socket, chunks: [], size: 0, isStarted: false, scanned: 0 };
    this.#sessions.add(session);
    socket.on('data', (data: Buffer) => {
      session.chunks.push(data);
      session.size += data.length;
      this.#read(session);
    });
    // 'close' follows
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#sessions.delete(session);
      this.#queue = this.#queue.filter((job) => job.session !== session);
      void this.#run();
    });
  }

  /** Cuts complete units off a connection's pending bytes: a start-up packet, a simple query, an extended one. */
  #read(session: Session): void {
    for (;;) {
      const length = session.isStarted ? unitLength(session) : startupLength(session);
      if (length === undefined) return;
      if (length === 0) {
        session.socket.destroy();
        return;
      }
      const bytes = take(session, length);
      if (session.isStarted || !this.#isNegotiation(session, bytes)) {
        session.isStarted = true;
        this.#queue.push({ session, bytes });
      }
      void this.#run();
    }
  }

  /** Answers what comes before a start-up packet. @returns false when it is one */
  #isNegotiation(session: Session, bytes: Buffer): boolean {
    const code = bytes.readInt32BE(4);
    if (code === SSL_REQUEST) session.socket.write('N');
    // there is no second process that could be interrupted
    else if (code === CANCEL_REQUEST) session.socket.end();
    else return false;
    return true;
  }

  async #run(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      for (;;) {
        await this.#releaseOwner();
        const job = this.#next();
        if (job === undefined) break;
        await this.#serve(job);
      }
    } finally {
      this.#isBusy = false;
    }
  }

  /** Rolls back what a connection left open when it went away. */
  async #releaseOwner(): Promise<void> {
    if (this.#owner === undefined) return;
    if (!this.#database.isInTransaction()) this.#owner = undefined;
    else if (!this.#sessions.has(this.#owner)) {
      this.#owner = undefined;
      await this.#database.exec('ROLLBACK');
    }
  }

  #next(): Job | undefined {
    if (this.#owner === undefined) return this.#queue.shift();
    const index = this.#queue.findIndex(({ session }) => session === this.#owner);
    return index === -1 ? undefined : this.#queue.splice(index, 1)[0];
  }

  async #serve({ session, bytes }: Job): Promise<void> {
    const { socket } = session;
    if (bytes[0] === TERMINATE) {
      socket.end();
      return;
    }
    // the buffer is PGlite's own, and reused
    const onRawData = (data: Uint8Array): void => {
      if (socket.writable) socket.write(Buffer.from(data));
    };
    try {
      await this.#database.execProtocolRawStream(bytes, { onRawData });
    } catch {
      // the backend is broken for this unit; the client sees its connection end
      socket.destroy();
    }
    if (this.#database.isInTransaction()) this.#owner = session;
  }
}

function startupLength(session: Session): number | undefined {
  return session.size < 8 ? undefined : whole(session, peek(session, 0, 4).readInt32BE(0));
}

/** Length of the next unit: up to a simple query, a Terminate, or the Sync of an extended query. 0 for garbage. */
function unitLength(session: Session): number | undefined {
  while (session.size >= session.scanned + 5) {
    const header = peek(session, session.scanned, 5);
    const length = header.readInt32BE(1) + 1;
    if (length < 5 || length > LARGEST_MESSAGE) return 0;
    if (session.size < session.scanned + length) return undefined;
    session.scanned += length;
    const type = header[0];
    if (type === QUERY || type === SYNC || type === TERMINATE) return session.scanned;
  }
  return undefined;
}

function whole(session: Session, length: number): number | undefined {
  if (length < 8 || length > 65_536) return 0;
  return session.size < length ? undefined : length;
}

/** Bytes at an offset, without joining all that is pending. */
function peek(session: Session, offset: number, length: number): Buffer {
  let skipped = 0;
  for (const [index, chunk] of session.chunks.entries()) {
    if (offset < skipped + chunk.length) {
      const start = offset - skipped;
      if (start + length <= chunk.length) return chunk.subarray(start, start + length);
      return Buffer.concat(session.chunks.slice(index)).subarray(start, start + length);
    }
    skipped += chunk.length;
  }
  return Buffer.alloc(0);
}

function take(session: Session, length: number): Buffer {
  const all =
    session.chunks.length === 1 ? (session.chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(session.chunks);
  session.chunks = all.length > length ? [all.subarray(length)] : [];
  session.size -= length;
  session.scanned = 0;
  return all.subarray(0, length);
}
