import { setTimeout as wait } from 'node:timers/promises';
import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import {
  ClientOfflineError,
  createClient,
  ErrorReply,
  type RedisClientType,
  SocketClosedUnexpectedlyError,
} from '@redis/client';
import { AppConfig, ConfigError } from '../config/index.js';
import { RedisUnavailableError } from './redis-unavailable.error.js';

export type RedisClient = RedisClientType;

/** Longest that one piece of work may take: what is in Redis only helps a request, which must not wait for it. */
const RUN_TIMEOUT_MS = 500;
/** Pieces of work under way; above it, the next is refused. */
const MAX_RUNS = 10_000;
const CONNECT_TIMEOUT_MS = 2_000;
/** A start waits for the first connection, so that the first requests find it, but no longer than this. */
const START_WAIT_MS = 1_000;
/** At a stop, the time for commands under way to be answered. */
const CLOSE_TIMEOUT_MS = 1_000;
/** A connection on which nothing moves for the second time is dead, since the first makes it move. */
const PING_INTERVAL_MS = 2_000;
const SOCKET_TIMEOUT_MS = 5_000;
const FIRST_RECONNECT_MS = 50;
const LONGEST_RECONNECT_MS = 2_000;

/**
 * The connection to the Redis of `REDIS_URL`. It is made in the background and made again whenever it is lost; while
 * there is none, work is refused at once instead of waiting for it.
 */
@Injectable()
export class RedisConnection implements OnModuleInit, OnModuleDestroy {
  private readonly logger = new Logger('Redis');
  private client: RedisClient | undefined;
  private runs = 0;
  /** A command was not answered in time, and nothing has been answered since. */
  private isStalled = false;
  /** An outage is told of once. */
  private isOutageTold = false;

  constructor(private readonly config: AppConfig) {}

  /** Whether there is a Redis to use at all. */
  get isConfigured(): boolean {
    return this.config.redisUrl !== undefined;
  }

  /** Whether work would be tried now. */
  get isUp(): boolean {
    return this.client?.isReady === true && !this.isStalled;
  }

  /**
   * Runs commands, at most 500 ms in all.
   * @throws RedisUnavailableError at once when Redis is not connected; when the time is over; when the connection is
   *   lost meanwhile. What Redis answers with an error, and what `work` itself throws, is passed on as it is.
   */
  async run<T>(work: (client: RedisClient) => Promise<T>): Promise<T> {
    const { client } = this;
    if (client === undefined || !this.isUp) throw new RedisUnavailableError('Redis is not connected');
    if (this.runs >= MAX_RUNS) throw new RedisUnavailableError('too many commands wait for Redis');
    this.runs++;
    const overdue = Promise.withResolvers<never>();
    // the client's own timeout ends with the sending of a command
    const timer = setTimeout(() => {
      const message = `Redis did not answer within ${RUN_TIMEOUT_MS} ms`;
      void this.stall(client, message);
      overdue.reject(new RedisUnavailableError(message));
    }, RUN_TIMEOUT_MS);
    try {
      return await Promise.race([work(client), overdue.promise]);
    } catch (error) {
      const isOther = error instanceof RedisUnavailableError || error instanceof ErrorReply;
      // a command may fail before the client knows that its socket did
      if (isOther || (client.isReady && !isOfSocket(error))) throw error;
      throw new RedisUnavailableError('the connection to Redis was lost', { cause: error });
    } finally {
      this.runs--;
      clearTimeout(timer);
    }
  }

  /** @throws ConfigError when REDIS_URL cannot be used; never because Redis is down */
  async onModuleInit(): Promise<void> {
    const { redisUrl } = this.config;
    if (redisUrl === undefined) return;
    const client = makeClient(redisUrl);
    this.client = client;
    client.on('ready', () => this.recover(client));
    client.on('error', (error: Error) => {
      if (this.client === client) this.tellOutage(reasonOf(error));
    });
    const tried = new Promise((resolve) => void client.once('ready', resolve).once('error', resolve));
    // it tries until it is closed, and only then fails
    void client.connect().catch(() => undefined);
    await within(START_WAIT_MS, tried);
  }

  async onModuleDestroy(): Promise<void> {
    const { client } = this;
    if (client === undefined) return;
    this.client = undefined;
    await within(
      CLOSE_TIMEOUT_MS,
      client.close().catch(() => undefined),
    );
    client.destroy();
  }

  private recover(client: RedisClient): void {
    // a client that was closed while its socket was opening opens it all the same
    if (this.client !== client) return client.destroy();
    this.isStalled = false;
    this.tellRecovery();
  }

  /** Refuses work until Redis answers again: commands that it does not read would only pile up. */
  private async stall(client: RedisClient, reason: string): Promise<void> {
    if (this.isStalled || this.client !== client) return;
    this.isStalled = true;
    this.tellOutage(reason);
    // answered after all that went before, or failed with the connection, which is then made anew
    await client.ping().catch(() => undefined);
    if (client.isReady) this.recover(client);
  }

  private tellOutage(reason: string): void {
    if (this.isOutageTold) return;
    this.isOutageTold = true;
    this.logger.warn(`Redis cannot be used, and is done without until it can: ${reason}`);
  }

  private tellRecovery(): void {
    if (!this.isOutageTold || !this.isUp) return;
    this.isOutageTold = false;
    this.logger.log('Redis can be used again');
  }
}

function makeClient(url: string): RedisClient {
  try {
    return createClient({
      url,
      socket: {
        connectTimeout: CONNECT_TIMEOUT_MS,
        socketTimeout: SOCKET_TIMEOUT_MS,
        reconnectStrategy: reconnectDelay,
      },
      pingInterval: PING_INTERVAL_MS,
      disableOfflineQueue: true,
      // for Redis Enterprise alone; elsewhere it costs a name look-up and a refused command at each connection
      maintNotifications: 'disabled',
    });
  } catch {
    // its message, or its cause, could hold the password
    throw new ConfigError('REDIS_URL takes a URL such as redis://user:password@redis.example.com:6379/0');
  }
}

/** Exponential, with jitter, so that many services do not come back at one instant. */
function reconnectDelay(retries: number): number {
  return Math.min(FIRST_RECONNECT_MS * 2 ** retries, LONGEST_RECONNECT_MS) * (0.5 + Math.random() / 2);
}

/** An error of the system's, such as ECONNRESET, or of the client's for a connection that is gone. */
function isOfSocket(error: unknown): boolean {
  if (error instanceof SocketClosedUnexpectedlyError || error instanceof ClientOfflineError) return true;
  return error instanceof Error && 'syscall' in error;
}

/** Never the URL. An error that sums up failures to several addresses has only a code. */
function reasonOf(error: Error): string {
  return error.message || (error as NodeJS.ErrnoException).code || error.name;
}

/** Waits for what does not fail, but no longer than `ms`. */
async function within(ms: number, promise: Promise<unknown>): Promise<void> {
  const timer = new AbortController();
  await Promise.race([promise, wait(ms, undefined, { signal: timer.signal }).catch(() => undefined)]);
  timer.abort();
}
