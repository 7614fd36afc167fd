import type { RequestListener } from 'node:http';
import type { Gateway, MaybeIdentity } from '@gatehouse/core';

/** How a test wants the gateway mounted. */
export interface MountOptions {
  /** Where the API begins; `/` is the root of the host. */
  readonly at: string;
  /** The body parser before it; undefined for none. */
  readonly parser?: string | undefined;
  readonly unhandled?: 'answer' | 'next';
  /** Tells who is calling by the header `x-host-user`, as a host's own session would. */
  readonly identify?: (user: string | undefined) => MaybeIdentity;
}

/** A host framework under test. */
export interface HostKind {
  readonly name: string;
  /** Body parsers that people put before the gateway. */
  readonly parsers: readonly string[];
  /** Ways of mounting that this host has, as paths. */
  readonly mounts: readonly string[];
  /** Whether there is anything beside the gateway to pass requests on to, or to know callers by. */
  readonly middleware: boolean;
  /** Where nothing of the gateway answers, the host says `the host itself` with status 299. */
  mount(gateway: Gateway, options: MountOptions): RequestListener;
}

/** The key of the suite's clients. */
export const KEY = 'sk-or-v1-key-of-the-host-suite';
