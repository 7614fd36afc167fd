import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A gateway in a process of its own. */
export interface GatewayProcess {
  /** `http://127.0.0.1:port/api/v1` */
  readonly baseUrl: string;
  /** Ends it as a crash does: nothing of it runs any more when this resolves. */
  kill(): Promise<void>;
  /** Ends it in good order. */
  stop(): Promise<void>;
}

/** What a gateway process is started with. Its only model is `acme/small`. */
export interface GatewayProcessOptions {
  /** A file, or a URL of Postgres. */
  readonly place: string;
  /** Base URL of the upstream. */
  readonly upstream: string;
  /** As `openaiCompatible` takes it. */
  readonly pricing: Readonly<Record<string, string>>;
}

const WORKER = fileURLToPath(new URL('gateway-worker.ts', import.meta.url));

/** Starts `gateway-worker.ts` and waits until it listens. @throws Error where it ends before. */
export async function startGatewayProcess(options: GatewayProcessOptions): Promise<GatewayProcess> {
  const child = fork(WORKER, [], {
    // Where `tsx` is found.
    cwd: dirname(WORKER),
    execArgv: ['--conditions=dev-source', '--import', 'tsx'],
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      GATEHOUSE_DB: options.place,
      UPSTREAM: options.upstream,
      PRICING: JSON.stringify(options.pricing),
    },
  });
  const port = await portOf(child);
  const end = async (how: () => void): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    how();
    await exited;
  };
  return {
    baseUrl: `http://127.0.0.1:${port}/api/v1`,
    kill: () => end(() => child.kill('SIGKILL')),
    stop: () => end(() => child.send('stop')),
  };
}

function portOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('message', (message: { readonly port: number }) => resolve(message.port));
    child.once('exit', (code, signal) => reject(new Error(`the gateway process ended with ${code ?? signal}`)));
  });
}
