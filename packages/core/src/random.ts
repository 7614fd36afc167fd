import { randomFillSync } from 'node:crypto';

/** A source of random bytes: `random(n)` gives n of them. Injected so that ids and draws can be repeated in tests. */
export type Random = (count: number) => Uint8Array;

const POOL_BYTES = 4096;

/** Cryptographically strong bytes, drawn in pools: one system call serves a hundred ids. */
export function systemRandom(): Random {
  const pool = new Uint8Array(POOL_BYTES);
  let used = POOL_BYTES;
  return (count) => {
    if (count > POOL_BYTES) return randomFillSync(new Uint8Array(count));
    if (used + count > POOL_BYTES) {
      randomFillSync(pool);
      used = 0;
    }
    used += count;
    return pool.subarray(used - count, used);
  };
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
/** The largest multiple of 62 that fits a byte: bytes from here on are thrown away, or some letters would come oftener. */
const FAIR_BYTES = 248;

/** `length` characters of `[A-Za-z0-9]`, each equally likely. */
export function randomText(random: Random, length: number): string {
  let text = '';
  while (text.length < length) {
    for (const byte of random(length - text.length)) {
      if (byte < FAIR_BYTES) text += ALPHABET.charAt(byte % ALPHABET.length);
    }
  }
  return text;
}

/** A number from 0 up to 1, of 32 random bits. */
export function randomFraction(random: Random): number {
  const [a = 0, b = 0, c = 0, d = 0] = random(4);
  return (a * 0x1_00_00_00 + b * 0x1_00_00 + c * 0x1_00 + d) / 0x1_00_00_00_00;
}
