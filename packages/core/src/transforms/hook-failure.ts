import { GatewayError } from '../errors.js';

/** What a hook did that it may not. */
export class Nonsense extends Error {
  override readonly name = 'Nonsense';
}

/** What a synchronous hook gave. @throws Nonsense for a promise, whose failure would otherwise be nobody's */
export function atOnce(given: unknown): unknown {
  if (!isPromise(given)) return given;
  given.then(undefined, () => undefined);
  throw new Nonsense('expected an answer at once, and not a promise');
}

/** Whether an answer is still to come. */
export function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/**
 * The error that a failed hook amounts to: a `GatewayError` that it threw on purpose, or a defect whose cause tells the
 * host which transform it was.
 */
export function hookFailure(name: string, hook: string, thrown: unknown): GatewayError {
  if (isOnPurpose(thrown)) return thrown;
  const cause = new Error(`transform ${name}: its hook ${hook} failed: ${reasonOf(thrown)}`, { cause: thrown });
  return new GatewayError('internal_error', 'Internal Server Error', { cause });
}

/** Whether a transform means to refuse: no failure that could be passed over. */
export function isOnPurpose(thrown: unknown): thrown is GatewayError {
  return thrown instanceof GatewayError && thrown.code !== 'internal_error';
}

function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : typeof thrown;
}
