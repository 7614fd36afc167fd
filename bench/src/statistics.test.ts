import { describe, expect, it } from 'vitest';
import { median, percentile } from './statistics.js';

describe('median', () => {
  it.each([
    [[3], 3],
    [[10, 1, 2], 2],
    [[4, 1, 2, 100], 3],
    [[], Number.NaN],
  ])('of %j is %d', (values, expected) => {
    expect(median(values)).toBe(expected);
  });
});

describe('percentile', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  it.each([
    [hundred, 0.5, 51],
    [hundred, 0.99, 100],
    [hundred, 1, 100],
    [[7], 0.99, 7],
    [[], 0.5, Number.NaN],
  ])('of values at %#', (values, share, expected) => {
    expect(percentile(values, share)).toBe(expected);
  });
});
