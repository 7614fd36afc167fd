/**
 * Calls a function of the host's that is only told something: whatever it throws, or rejects with, harms nobody and is
 * written to the console.
 */
export function tell(told: () => unknown): void {
  try {
    const result = told();
    if (result instanceof Promise) result.catch(failed);
  } catch (error) {
    failed(error);
  }
}

function failed(error: unknown): void {
  console.error('gatehouse: a function of the options has failed:', error);
}
