/** A point in a script that waits until the test says so. */
export interface Gate {
  /** Lets whoever waits go on, now and later. */
  open(): void;
  readonly isOpen: boolean;
  /** Resolves when the gate is open. */
  readonly opened: Promise<void>;
  /** Resolves when somebody has come to the gate for the first time. */
  readonly reached: Promise<void>;
  /** Tells that somebody is here; answers `opened`. */
  arrive(): Promise<void>;
}

/**
 * Makes a gate: tests move scripts by events, not by time.
 *
 * @example
 * const first = gate();
 * upstream.always(head(200), write('a'), hold(first), write('b'), end());
 * await first.reached; // "a" is on its way
 * first.open();
 */
export function gate(): Gate {
  let isOpen = false;
  let open = (): void => undefined;
  let reach = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  return {
    open() {
      isOpen = true;
      open();
    },
    get isOpen() {
      return isOpen;
    },
    opened,
    reached,
    arrive() {
      reach();
      return opened;
    },
  };
}
