import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { HttpTransport } from './http-transport.js';

// Real: the transport and its sockets. Fake: the server behind them.
const closing: (() => unknown)[] = [];

async function serve(end: (response: ServerResponse) => void) {
  let connections = 0;
  const server = createServer((_request, response) => {
    response.write('data: [DONE]\n\n');
    end(response);
  });
  server.on('connection', () => connections++);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const transport = new HttpTransport();
  closing.push(
    () => transport.close(),
    () => server.close(),
  );
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, fetch: transport.fetch, connections: () => connections };
}

/** Reads as far as the last event, like the SDKs, and leaves. */
async function readLastEvent(response: Response): Promise<void> {
  for await (const chunk of response.body ?? []) {
    expect(Buffer.from(chunk).toString()).toBe('data: [DONE]\n\n');
    return;
  }
}

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

describe('HttpTransport', () => {
  it('uses a connection again whose body ends after its last event', async () => {
    const { url, fetch, connections } = await serve((response) => void setTimeout(() => response.end(), 20));
    for (let call = 0; call < 3; call++) {
      await readLastEvent(await fetch(url));
      await new Promise((resolve) => void setTimeout(resolve, 60));
    }
    expect(connections()).toBe(1);
  });

  it('closes a connection whose body does not end', async () => {
    const closed = Promise.withResolvers<void>();
    const { url, fetch } = await serve((response) => void response.once('close', closed.resolve));
    await readLastEvent(await fetch(url));
    await expect(closed.promise).resolves.toBeUndefined();
  });

  it('closes the connection at once when aborted, also of a body that is left', async () => {
    const closed = Promise.withResolvers<number>();
    const { url, fetch } = await serve((response) => {
      response.once('close', () => closed.resolve(performance.now()));
    });
    const controller = new AbortController();
    await readLastEvent(await fetch(url, { signal: controller.signal }));
    const aborted = performance.now();
    controller.abort();
    expect((await closed.promise) - aborted).toBeLessThan(100);
  });
});
