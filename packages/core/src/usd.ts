const PICO_DIGITS = 12;
const DECIMAL = /^(\d{1,9})(?:\.(\d{1,30}))?$/;

/**
 * A decimal string in USD as pico-USD, by shifting digits: no float is involved. What is finer than one pico is rounded up.
 *
 * @throws TypeError for anything but a plain non-negative decimal number.
 */
export function parseUsd(text: string): bigint {
  const match = DECIMAL.exec(text);
  if (match === null)
    throw new TypeError(`price: expected a decimal number like "0.00000015", got ${JSON.stringify(text)}`);
  const fraction = match[2] ?? '';
  const pico = BigInt((match[1] ?? '0') + fraction.slice(0, PICO_DIGITS).padEnd(PICO_DIGITS, '0'));
  return /[1-9]/.test(fraction.slice(PICO_DIGITS)) ? pico + 1n : pico;
}

/** Pico-USD as a decimal string in USD, exact, never with an exponent. */
export function formatUsd(pico: bigint): string {
  const digits = pico.toString().padStart(PICO_DIGITS + 1, '0');
  const fraction = digits.slice(-PICO_DIGITS).replace(/0+$/, '');
  const whole = digits.slice(0, -PICO_DIGITS);
  return fraction === '' ? whole : `${whole}.${fraction}`;
}

const NANO_DIGITS = 9;

/** USD as whole nano-USD; undefined for what is negative, not finite, or finer than that. */
export function usdToNano(usd: number): bigint | undefined {
  if (!Number.isFinite(usd) || usd < 0 || usd > MOST_USD) return undefined;
  const text = usd.toFixed(NANO_DIGITS);
  return Number(text) === usd ? BigInt(text.replace('.', '')) : undefined;
}

/** Above this a number of USD has no nine decimals any more. */
const MOST_USD = 1e12;

/** Nano-USD as the wire's number of USD, at most nine decimals. */
export function nanoToUsd(nano: bigint): number {
  return Number(nano) / 1e9;
}
