import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** Starts `redis-server`, which keeps in a folder what it is told. */
export async function startRedis(port: number, folder: string): Promise<ChildProcess> {
  const child = spawn(
    'redis-server',
    ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'yes', '--dir', folder],
    {
      stdio: 'ignore',
    },
  );
  await listening(port, child);
  return child;
}

/** Starts `nginx` before some servers, which take turns. */
export async function startNginx(
  replicas: readonly string[],
  folder: string,
): Promise<{ url: string; child: ChildProcess }> {
  const port = await freePort();
  const prefix = join(folder, 'nginx');
  await mkdir(prefix);
  await writeFile(
    join(prefix, 'nginx.conf'),
    `pid ${prefix}/nginx.pid; error_log ${prefix}/error.log; daemon off; worker_processes 1;
     events { worker_connections 1024; }
     http {
       access_log off; client_body_temp_path ${prefix}/body; proxy_temp_path ${prefix}/proxy;
       upstream footnote { ${replicas.map((url) => `server ${new URL(url).host};`).join(' ')} keepalive 64; }
       server {
         listen 127.0.0.1:${port};
         location / {
           proxy_pass http://footnote; proxy_http_version 1.1; proxy_set_header Connection "";
           proxy_set_header X-Forwarded-For $remote_addr; proxy_buffering off; proxy_next_upstream off;
         }
       }
     }\n`,
  );
  const child = spawn(
    'nginx',
    ['-p', prefix, '-e', join(prefix, 'error.log'), '-c', join(prefix, 'nginx.conf')],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  await listening(port, child);
  return { url: `http://127.0.0.1:${port}`, child };
}

/** A port on which nobody listens. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function listening(port: number, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended with ${child.exitCode}`);
    const socket = connect(port, '127.0.0.1');
    const isUp = await new Promise((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (isUp === true) return;
    await wait(50);
  }
  throw new Error(`${child.spawnfile} does not listen`);
}
