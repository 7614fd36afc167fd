import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

/** A Postgres of a test's own, which may be killed. */
export interface PostgresCluster {
  readonly url: string;
  /** Ends it as a crash does. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Ends it for good. */
  stop(): Promise<void>;
}

const DEBIAN = '/usr/lib/postgresql';
const START_MS = 20_000;

/** Where the server's programs are; undefined where there are none. */
function programs(): string | undefined {
  const asked = spawnSync('pg_config', ['--bindir'], { encoding: 'utf8' });
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).map((version) => join(DEBIAN, version, 'bin')) : [];
  const places = [...(asked.status === 0 ? [asked.stdout.trim()] : []), ...versions];
  return places.find((place) => existsSync(join(place, 'initdb')) && existsSync(join(place, 'postgres')));
}

/** The server refuses to run as root: then it runs as its own user, where there is one. */
function owner(): { readonly uid?: number; readonly gid?: number } | undefined {
  if (process.getuid?.() !== 0) return {};
  const idOf = (flag: string): number => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout);
  const [uid, gid] = [idOf('-u'), idOf('-g')];
  return uid > 0 && gid > 0 ? { uid, gid } : undefined;
}

/** Makes a cluster in a new folder and starts it. Undefined where the server is not installed. */
export async function startPostgresCluster(folder: string): Promise<PostgresCluster | undefined> {
  const place = programs();
  const user = owner();
  if (place === undefined || user === undefined) return undefined;
  const data = join(folder, 'data');
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  if (user.uid !== undefined && user.gid !== undefined) {
    for (const path of [join(folder, '..'), folder]) chownSync(path, user.uid, user.gid);
  }
  const made = spawnSync(
    join(place, 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync'],
    {
      ...user,
      encoding: 'utf8',
    },
  );
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  const port = await freePort();
  let server: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    const arguments_ = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', folder];
    const started = spawn(join(place, 'postgres'), arguments_, { ...user, stdio: ['ignore', 'ignore', 'pipe'] });
    server = started;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`Postgres did not start: ${text}`)), START_MS);
      let text = '';
      started.stderr.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
        if (!text.includes('ready to accept connections')) return;
        clearTimeout(timer);
        resolve();
      });
      started.once('exit', () => reject(new Error(`Postgres ended: ${text}`)));
    });
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, 'exit');
    server.kill(signal);
    await exited;
  };
  await start();
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    kill: () => end('SIGKILL'),
    start,
    stop: () => end('SIGINT'),
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (address === null || typeof address === 'string') throw new Error('no port is free');
  return address.port;
}
