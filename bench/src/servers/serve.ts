import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a server process answers to `measure`: its own CPU time so far, and its memory. */
export interface Measurement {
  /** User and system time of this process, microseconds. */
  readonly cpuMicros: number;
  /** Resident set, bytes. */
  readonly memoryBytes: number;
  /** Statements that it has sent to its database so far. */
  readonly statements: number;
}

let statements = 0;

/** Counts a statement that is sent to a database. */
export function countStatement(): void {
  statements += 1;
}

/** Listens on a free port of this machine, tells the parent process, and answers its questions until it hangs up. */
export function serve(listener: RequestListener): void {
  const server = createServer({ keepAliveTimeout: 60_000 }, listener);
  server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send?.({
      cpuMicros: user + system,
      memoryBytes: process.memoryUsage.rss(),
      statements,
    } satisfies Measurement);
  });
  process.on('disconnect', () => process.exit(0));
}

/** A setting that the parent process gives by environment. */
export function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name}: expected a value`);
  return value;
}
