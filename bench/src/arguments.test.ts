import { describe, expect, it } from 'vitest';
import { parseArguments } from './arguments.js';

describe('parseArguments', () => {
  it('has defaults', () => {
    expect(parseArguments([])).toEqual({ help: false, quick: false, rounds: 5, scenario: '', paceMs: 2, peers: [] });
    expect(parseArguments(['--quick']).rounds).toBe(3);
  });

  it('takes peers, with or without their process', () => {
    const { peers } = parseArguments([
      '--peer',
      'one=http://127.0.0.1:4000/v1/x,12',
      '--peer',
      'two=http://localhost:1/',
    ]);
    expect(peers.map(({ name, url, pid }) => [name, url.href, pid])).toEqual([
      ['one', 'http://127.0.0.1:4000/v1/x', 12],
      ['two', 'http://localhost:1/', undefined],
    ]);
  });

  it.each([
    [['--rounds', '0'], '--rounds: expected a whole number from 1'],
    [['--pace', 'fast'], '--pace: expected a whole number from 0'],
    [['--peer', 'somewhere'], '--peer: expected name='],
    [['--peer', 'x=http://192.0.2.1/'], '--peer: expected an address of this machine'],
    [['--unknown'], "Unknown option '--unknown'"],
  ])('refuses %j', (args, message) => {
    expect(() => parseArguments(args)).toThrow(message);
  });
});
