import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Measurement } from './servers/serve.js';

const START_MS = 20_000;

/** A server in a process of its own. */
export interface ServerProcess {
  readonly origin: string;
  measure(): Promise<Measurement>;
  stop(): void;
}

/** Starts `servers/<name>`, built, as it would run in production; all with the same flags of Node. */
export async function startServer(name: string, environment: Readonly<Record<string, string>>): Promise<ServerProcess> {
  const file = fileURLToPath(new URL(`./servers/${name}.js`, import.meta.url));
  const child = fork(file, [], {
    execArgv: [],
    env: { ...process.env, ...environment, NODE_ENV: 'production' },
  });
  const { port } = (await message(child, name)) as { readonly port: number };
  return {
    origin: `http://127.0.0.1:${port}`,
    async measure() {
      child.send('measure');
      return (await message(child, name)) as Measurement;
    },
    stop: () => child.disconnect(),
  };
}

function message(child: ChildProcess, name: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => fail(new Error(`${name} did not answer`)), START_MS);
    const onMessage = (value: unknown): void => {
      clearTimeout(timer);
      child.off('exit', onExit);
      resolve(value);
    };
    const onExit = (code: number | null): void => fail(new Error(`${name} ended with ${code}`));
    const fail = (error: Error): void => {
      clearTimeout(timer);
      child.off('message', onMessage);
      reject(error);
    };
    child.once('message', onMessage);
    child.once('exit', onExit);
  });
}
