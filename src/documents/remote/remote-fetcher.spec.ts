import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { AppError } from '../../common/index.js';
import { redirectTarget, RemoteFetcher } from './remote-fetcher.js';

// Real: the fetcher, sockets and servers. Fake: the resolver, which sends every name to this machine.
const MAX_BYTES = 100_000;
const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function listen(server: Server, host = '127.0.0.1', port = 0): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.listen(port, host);
  await once(server, 'listening');
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** @returns the URL of a server */
async function serve(answer: RequestListener): Promise<string> {
  return `http://pages.example:${await listen(createServer(answer))}`;
}

function fetcher(options: Partial<ConstructorParameters<typeof RemoteFetcher>[0]> = {}): RemoteFetcher {
  return new RemoteFetcher({
    maxBytes: MAX_BYTES,
    lookup: async () => [{ address: '127.0.0.1', family: 4 }],
    isAllowedAddress: (address) => address === '127.0.0.1',
    ...options,
  });
}

const SHORT = { total: 300, connect: 5_000, headers: 5_000 };
const never = () => new AbortController().signal;
const get = (url: string, options?: Parameters<typeof fetcher>[0]) => fetcher(options).fetch(url, never());

async function failureOf(attempt: Promise<unknown>): Promise<AppError> {
  const error: unknown = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(AppError);
  return error as AppError;
}

async function expectRefused(attempt: Promise<unknown>, message: string): Promise<void> {
  const { code, message: detail, errors } = await failureOf(attempt);
  expect({ code, detail, errors }).toEqual({
    code: 'INVALID_REQUEST',
    detail: message,
    errors: [{ field: 'url', message }],
  });
}

async function expectFailure(attempt: Promise<unknown>, code: string, message: string): Promise<void> {
  const error = await failureOf(attempt);
  expect({ code: error.code, message: error.message }).toEqual({ code, message });
}

const redirectTo =
  (location: string, status = 302): RequestListener =>
  (_request, response) =>
    void response.writeHead(status, { location }).end('moved');

describe('RemoteFetcher: what it returns', () => {
  it('returns the bytes, with what the server says of them', async () => {
    const bytes = Buffer.from([0, 255, 1, 128]);
    const url = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html; charset=latin1' }).end(bytes);
    });
    expect(await get(`${url}/a/Hand%20book.html?x=1#part`)).toEqual({
      bytes,
      mediaType: 'text/html; charset=latin1',
      url: `${url}/a/Hand%20book.html?x=1`,
      fileName: 'Hand book.html',
    });
  });

  it('asks by name, without compression and without saying where from', async () => {
    const asked = Promise.withResolvers<IncomingMessage>();
    const url = await serve((request, response) => {
      asked.resolve(request);
      response.end('x');
    });
    await get(`${url}/p?q=1`);
    const { method, url: path, headers } = await asked.promise;
    expect({ method, path, headers }).toEqual({
      method: 'GET',
      path: '/p?q=1',
      headers: {
        host: new URL(url).host,
        connection: 'keep-alive',
        'user-agent': 'Footnote',
        accept: '*/*',
        'accept-encoding': 'identity',
      },
    });
  });

  it.each<[string, string | undefined, string | undefined]>([
    ['/', undefined, undefined],
    ['/dir/', undefined, undefined],
    ['/a%2Fb.pdf', undefined, 'b.pdf'],
    ['/100%.txt', undefined, '100%.txt'],
    ['/download', 'attachment; filename="my report.docx"', 'my report.docx'],
    ['/download', 'attachment; filename=report.docx', 'report.docx'],
    ['/download', `attachment; filename="x"; filename*=UTF-8''%C3%BCber.pdf`, 'über.pdf'],
    ['/download', 'attachment; filename="über.pdf"', 'über.pdf'],
    ['/download', `attachment; filename*=UTF-8''%zz; filename="y.pdf"`, 'y.pdf'],
    ['/download', `attachment; filename*=UTF-8''..%2F..%2F%00etc%2Fpasswd`, 'passwd'],
    ['/download', 'attachment; filename="C:\\dir\\z.txt"', 'z.txt'],
    ['/download', 'attachment', 'download'],
    [`/${'n'.repeat(300)}.pdf`, undefined, `${'n'.repeat(251)}.pdf`],
  ])('calls %s with "%s" %s', async (path, disposition, expected) => {
    const url = await serve((_request, response) => {
      if (disposition !== undefined)
        response.setHeader('content-disposition', Buffer.from(disposition).toString('latin1'));
      response.end('x');
    });
    expect((await get(url + path)).fileName).toBe(expected);
  });

  it('knows no media type that is not said', async () => {
    const url = await serve((_request, response) => void response.end('x'));
    expect((await get(url)).mediaType).toBe('application/octet-stream');
  });

  it('joins a body of very many chunks', async () => {
    const parts = Array.from({ length: 3_000 }, (_, index) => `${index},`);
    const url = await serve((_request, response) => {
      response.socket?.setNoDelay(true);
      for (const part of parts) response.write(part);
      response.end();
    });
    expect((await get(url)).bytes.toString()).toBe(parts.join(''));
  });
});

describe('RemoteFetcher: what it refuses', () => {
  it.each<[string, string]>([
    ['', 'url is not a valid URL'],
    ['/page', 'url is not a valid URL'],
    ['http://', 'url is not a valid URL'],
    ['http://1.2.3.4.5/', 'url is not a valid URL'],
    ['http://[fe80::1%25eth0]/', 'url is not a valid URL'],
    ['http://pages.example:70000/', 'url is not a valid URL'],
    ['file:///etc/passwd', 'url must begin with http:// or https://'],
    ['ftp://pages.example/', 'url must begin with http:// or https://'],
    ['data:text/plain,x', 'url must begin with http:// or https://'],
    ['gopher://pages.example/', 'url must begin with http:// or https://'],
    ['pages.example:8080', 'url must begin with http:// or https://'],
    ['http://me@pages.example/', 'url must not hold a user name or password'],
    ['http://:secret@pages.example/', 'url must not hold a user name or password'],
    ['http://pages.example:0/', 'url must not name a port below 1024, except 80 and 443'],
    ['http://pages.example:22/', 'url must not name a port below 1024, except 80 and 443'],
    ['https://pages.example:1023/', 'url must not name a port below 1024, except 80 and 443'],
  ])('%s', async (url, message) => {
    const lookup = vi.fn();
    await expectRefused(get(url, { lookup }), message);
    expect(lookup).not.toHaveBeenCalled();
  });

  it.each(['http://pages.example:80/', 'https://pages.example:80/', 'http://pages.example:443/'])(
    'not the port of %s',
    async (url) => {
      const isAllowedAddress = vi.fn(() => false);
      await expectRefused(get(url, { isAllowedAddress }), 'url does not point to a public address');
      expect(isAllowedAddress).toHaveBeenCalledWith('127.0.0.1');
    },
  );

  it.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://0177.0.0.1/',
    'http://①②⑦.0.0.1/',
    'http://127.0.0.1./',
    'http://0/',
    'http://169.254.169.254/latest/meta-data/',
    'http://[::1]/',
    'http://[::]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:a00:1]/',
    'http://[fd00:ec2::254]/',
    'http://localhost/',
    'http://LOCALHOST./',
  ])('%s by its address, without injected parts', async (url) => {
    await expectRefused(
      new RemoteFetcher({ maxBytes: MAX_BYTES }).fetch(url, never()),
      'url does not point to a public address',
    );
  });

  it('judges a literal address itself, whatever the resolver says', async () => {
    const lookup = async () => [{ address: '127.0.0.1', family: 4 }];
    const url = await serve((_request, response) => void response.end('x'));
    const { port } = new URL(url);
    expect((await get(`http://127.0.0.1:${port}/`, { lookup })).bytes.toString()).toBe('x');
    await expectRefused(
      get(`http://127.0.0.2:${port}/`, { lookup }),
      'url does not point to a public address',
    );
    await expectRefused(get(`http://[::1]:${port}/`, { lookup }), 'url does not point to a public address');
  });

  it('a name of which one address is not public', async () => {
    const server = vi.fn();
    const url = await serve(server);
    const addresses = [
      { address: '127.0.0.1', family: 4 },
      { address: '10.0.0.7', family: 4 },
    ];
    const error = await failureOf(get(url, { lookup: async () => addresses }));
    expect(error.message).toBe('url does not point to a public address');
    expect(JSON.stringify([error.message, error.errors])).not.toContain('10.0.0.7');
    expect(server).not.toHaveBeenCalled();
  });

  it('a name that does not exist, in the same words', async () => {
    const notFound = Object.assign(new Error('getaddrinfo ENOTFOUND db.internal'), { code: 'ENOTFOUND' });
    await expectRefused(
      get('http://db.internal/', { lookup: () => Promise.reject(notFound) }),
      'url does not point to a public address',
    );
    await expectRefused(
      get('http://db.internal/', { lookup: async () => [] }),
      'url does not point to a public address',
    );
  });
});

describe('RemoteFetcher: where it connects', () => {
  it('connects to what it checked, though the name has moved since', async () => {
    const [checked, other] = [vi.fn(), vi.fn()];
    const answer = (name: string, seen: typeof checked): RequestListener =>
      function (request, response) {
        seen(request.headers.host);
        response.end(name);
      };
    const port = await listen(createServer(answer('checked', checked)));
    await listen(createServer(answer('other', other)), '127.0.0.2', port);
    const lookup = vi
      .fn()
      .mockResolvedValueOnce([{ address: '127.0.0.1', family: 4 }])
      .mockResolvedValue([{ address: '127.0.0.2', family: 4 }]);
    const rebinding = fetcher({ lookup });

    const { bytes } = await rebinding.fetch(`http://pages.example:${port}/`, never());
    expect(bytes.toString()).toBe('checked');
    expect(checked.mock.calls).toEqual([[`pages.example:${port}`]]);
    expect(lookup).toHaveBeenCalledTimes(1);

    // no connection of before is lent to a call whose own check fails
    await expectRefused(
      rebinding.fetch(`http://pages.example:${port}/`, never()),
      'url does not point to a public address',
    );
    expect(other).not.toHaveBeenCalled();
  });

  it('tries the other addresses of a name', async () => {
    const url = await serve((_request, response) => void response.end('x'));
    const addresses = [
      { address: '127.0.0.3', family: 4 },
      { address: '127.0.0.1', family: 4 },
    ];
    const options = { lookup: async () => addresses, isAllowedAddress: () => true };
    expect((await get(url, options)).bytes.toString()).toBe('x');
  });

  it('greets a TLS server by name, and wants a certificate', async () => {
    const hello = Promise.withResolvers<Buffer>();
    const server = createTcpServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', (data) => {
        hello.resolve(data);
        socket.end('this is no TLS');
      });
    });
    const port = await listen(server);
    await expectFailure(
      get(`https://pages.example:${port}/`),
      'UNREADABLE_DOCUMENT',
      'The url cannot be fetched.',
    );
    expect((await hello.promise).toString('latin1')).toContain('pages.example');
  });

  it.each([200, 404])('closes the connection after status %d at once', async (status) => {
    const closed = Promise.withResolvers<void>();
    const url = await serve((request, response) => {
      request.socket.once('close', () => closed.resolve());
      response.writeHead(status).end('x');
    });
    await get(url).catch(() => undefined);
    const answered = performance.now();
    await closed.promise;
    expect(performance.now() - answered).toBeLessThan(1_000);
  });
});

describe('RemoteFetcher: redirects', () => {
  it.each([301, 302, 303, 307, 308])('follows status %d, also to other hosts', async (status) => {
    const target = await serve((_request, response) => void response.end('there'));
    const { port } = new URL(target);
    const url = await serve(redirectTo(`//other.example:${port}/f.txt#x`, status));
    expect(await get(url)).toMatchObject({
      bytes: Buffer.from('there'),
      url: `http://other.example:${port}/f.txt`,
      fileName: 'f.txt',
    });
  });

  it('follows five, and no more', async () => {
    const url = await serve(({ url: path = '' }, response) => {
      const left = Number(path.slice(1));
      if (left === 0) response.end('there');
      else response.writeHead(302, { location: `/${left - 1}` }).end();
    });
    expect((await get(`${url}/5`)).bytes.toString()).toBe('there');
    await expectFailure(get(`${url}/6`), 'UNREADABLE_DOCUMENT', 'The url redirects too often.');
  });

  it('ends a loop', async () => {
    const asked = vi.fn(redirectTo('/'));
    await expectFailure(get(await serve(asked)), 'UNREADABLE_DOCUMENT', 'The url redirects too often.');
    expect(asked).toHaveBeenCalledTimes(6);
  });

  it.each<[string, string]>([
    ['http://10.0.0.1/', 'url does not point to a public address'],
    ['http://169.254.169.254/', 'url does not point to a public address'],
    ['http://[::1]:8080/', 'url does not point to a public address'],
    ['http://inside.example/', 'url does not point to a public address'],
    ['file:///etc/passwd', 'what url redirects to must begin with http:// or https://'],
    ['http://me:secret@pages.example/', 'what url redirects to must not hold a user name or password'],
    ['http://pages.example:25/', 'what url redirects to must not name a port below 1024, except 80 and 443'],
    ['http://[', 'what url redirects to is not a valid URL'],
  ])('refuses one to %s', async (location, message) => {
    const url = await serve(redirectTo(location));
    const lookup = async (name: string) => [
      { address: name === 'inside.example' ? '10.0.0.1' : '127.0.0.1', family: 4 },
    ];
    await expectRefused(get(url, { lookup }), message);
  });

  it('never goes from https to http', async () => {
    const secure = new URL('https://pages.example/a/b');
    expect(redirectTarget(secure, '../c').href).toBe('https://pages.example/c');
    expect(redirectTarget(secure, '//other.example/').href).toBe('https://other.example/');
    expect(redirectTarget(new URL('http://pages.example/'), 'https://pages.example/').protocol).toBe(
      'https:',
    );
    await expectRefused(
      Promise.resolve().then(() => redirectTarget(secure, 'http://pages.example/')),
      'url redirects from https:// to http://',
    );
  });

  it('reads the path of a redirect as UTF-8', async () => {
    const url = await serve(({ url: path }, response) => {
      if (path === '/') response.writeHead(302, { location: Buffer.from('/ü').toString('latin1') }).end();
      else response.end('there');
    });
    expect((await get(`${url}/`)).url).toBe(`${url}/%C3%BC`);
  });

  it('does not read the body of one', async () => {
    const url = await serve(({ url: path }, response) => {
      if (path === '/there') return void response.end('there');
      response.writeHead(302, { location: '/there' });
      return void response.write('a body that does not end');
    });
    expect((await get(`${url}/`)).bytes.toString()).toBe('there');
  });
});

describe('RemoteFetcher: bad answers', () => {
  const drip =
    (piece: string | Buffer, everyMs: number): RequestListener =>
    (_request, response) => {
      const timer = setInterval(() => response.write(piece), everyMs);
      response.once('close', () => clearInterval(timer));
    };

  /** A server that answers every connection with exactly this. */
  async function serveRaw(answer: string, isEnded = true): Promise<string> {
    const server = createTcpServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => (isEnded ? socket.end(answer) : socket.write(answer)));
    });
    return `http://pages.example:${await listen(server)}`;
  }

  it.each([300, 302, 304, 400, 401, 404, 500, 503])('tells of status %d, and only that', async (status) => {
    const url = await serve(
      (_request, response) => void response.writeHead(status, { 'x-secret': 's' }).end('secret'),
    );
    await expectFailure(get(url), 'UNREADABLE_DOCUMENT', `The url was answered with status ${status}.`);
  });

  it.each([200, 204, 205])('refuses status %d without content', async (status) => {
    const url = await serve((_request, response) => void response.writeHead(status).end());
    await expectFailure(get(url), 'UNREADABLE_DOCUMENT', 'The url was answered with no content.');
  });

  it('takes exactly so much', async () => {
    const url = await serve(({ url: path }, response) => {
      // without a length, so that the content is counted
      response.write('x');
      response.end('x'.repeat(MAX_BYTES - (path === '/fits' ? 1 : 0)));
    });
    expect((await get(`${url}/fits`)).bytes.length).toBe(MAX_BYTES);
    const tooLarge = 'The url points to more than the service takes.';
    await expectFailure(get(`${url}/not`), 'TOO_LARGE', tooLarge);
  });

  it('refuses a large body by its length, before it comes', async () => {
    const url = await serve((_request, response) =>
      response.writeHead(200, { 'content-length': MAX_BYTES + 1 }).flushHeaders(),
    );
    await expectFailure(get(url), 'TOO_LARGE', 'The url points to more than the service takes.');
  });

  it('ends a body that does not end, and closes the connection', async () => {
    const closed = Promise.withResolvers<void>();
    const url = await serve((request, response) => {
      request.socket.once('close', () => closed.resolve());
      drip(Buffer.alloc(10_000), 1)(request, response);
    });
    await expectFailure(get(url), 'TOO_LARGE', 'The url points to more than the service takes.');
    await closed.promise;
  });

  it('refuses a body that is shorter than its length, and cuts one that is longer', async () => {
    const shorter = await serveRaw('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort');
    await expectFailure(get(shorter), 'UNREADABLE_DOCUMENT', 'The url cannot be fetched.');
    const longer = await serveRaw(`HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nlonger${'x'.repeat(200_000)}`);
    expect((await get(longer)).bytes.toString()).toBe('long');
  });

  it('does not unpack a small body into a large one', async () => {
    const bomb = gzipSync(Buffer.alloc(10_000_000));
    const url = await serve(
      (_request, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
    );
    await expectFailure(
      get(url),
      'UNREADABLE_DOCUMENT',
      'The url was answered with compressed content, which was not asked for.',
    );
  });

  it.each<[string, string]>([
    ['no HTTP', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['nothing', ''],
    ['endless headers', `HTTP/1.1 200 OK\r\n${'x-a: b\r\n'.repeat(10_000)}\r\nx`],
    ['a broken chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'],
  ])('refuses %s', async (_, answer) => {
    await expectFailure(get(await serveRaw(answer)), 'UNREADABLE_DOCUMENT', 'The url cannot be fetched.');
  });

  it('tells nothing of a host that cannot be connected to', async () => {
    const port = await listen(createTcpServer());
    await closing.pop()?.();
    const error = await failureOf(get(`http://pages.example:${port}/`));
    expect([error.code, error.message]).toEqual(['UNREADABLE_DOCUMENT', 'The url cannot be fetched.']);
  });

  it.each<[string, RequestListener]>([
    ['no headers', () => undefined],
    ['a slow body', drip('x', 20)],
    ['slow redirects', (_request, response) => void setTimeout(redirectTo('/'), 80, _request, response)],
  ])('does not wait longer than it may for %s', async (_, answer) => {
    const started = performance.now();
    const attempt = get(await serve(answer), { timeLimits: SHORT });
    await expectFailure(attempt, 'UNREADABLE_DOCUMENT', 'The url took too long.');
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it('does not wait long for headers that come slowly', async () => {
    const url = await serveRaw('HTTP/1.1 200 OK\r\nx-a: ', false);
    const attempt = get(url, { timeLimits: { total: 10_000, connect: 5_000, headers: 200 } });
    await expectFailure(attempt, 'UNREADABLE_DOCUMENT', 'The url took too long.');
  });

  it('does not wait longer than it may for a resolver', async () => {
    const attempt = get('http://pages.example/', {
      timeLimits: SHORT,
      lookup: () => new Promise(() => undefined),
    });
    await expectFailure(attempt, 'UNREADABLE_DOCUMENT', 'The url took too long.');
  });
});

describe('RemoteFetcher: abort', () => {
  const reason = new Error('the caller left');

  it('does nothing for one who has left', async () => {
    const lookup = vi.fn();
    const attempt = fetcher({ lookup }).fetch('http://pages.example/', AbortSignal.abort(reason));
    await expect(attempt).rejects.toBe(reason);
    expect(lookup).not.toHaveBeenCalled();
  });

  it.each<[string, (response: ServerResponse) => void]>([
    ['headers', () => undefined],
    ['the body', (response) => void response.write('x')],
  ])('stops waiting for %s at once, and closes the connection', async (_, answer) => {
    const asked = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<void>();
    const url = await serve((request, response) => {
      request.socket.once('close', () => closed.resolve());
      answer(response);
      asked.resolve();
    });
    const controller = new AbortController();
    const outcome = fetcher()
      .fetch(url, controller.signal)
      .catch((error: unknown) => error);
    await asked.promise;
    await new Promise((resolve) => void setTimeout(resolve, 30));
    controller.abort(reason);
    expect(await outcome).toBe(reason);
    await closed.promise;
  });

  it.each<[string, boolean]>([
    ['stops waiting for a resolver at once', false],
    ['sees that the caller leaves while the resolver is asked', true],
  ])('%s', async (_, isAbortedByResolver) => {
    const controller = new AbortController();
    const lookup = () => {
      if (isAbortedByResolver) controller.abort(reason);
      return new Promise<never>(() => undefined);
    };
    const attempt = fetcher({ lookup }).fetch('http://pages.example/', controller.signal);
    controller.abort(reason);
    await expect(attempt).rejects.toBe(reason);
  });
});
