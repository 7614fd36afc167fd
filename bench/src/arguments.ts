import { parseArgs } from 'node:util';

/** How the benchmark is run. */
export interface BenchArguments {
  readonly help: boolean;
  readonly quick: boolean;
  readonly rounds: number;
  /** Only scenarios whose name contains this. */
  readonly scenario: string;
  /** Milliseconds between the events of a stream; 0 sends them all at once. */
  readonly paceMs: number;
  readonly peers: readonly Peer[];
}

/** A gateway that somebody has started beside this one. */
export interface Peer {
  readonly name: string;
  /** Full URL of its chat completions. */
  readonly url: URL;
  /** Its process, for CPU and memory. */
  readonly pid: number | undefined;
}

/** The text of `--help`. */
export const USAGE = `Usage: pnpm bench [options]

  --quick                 smaller rounds, for a first look; does not write the README
  --rounds <n>            rounds a scenario (default 5, quick 3)
  --scenario <text>       only scenarios whose name contains the text
  --pace <ms>             time between the events of a stream (default 2; 0 = all at once)
  --peer <name>=<url>[,<pid>]
                          also measures a gateway that listens there already, for example
                          --peer other=http://127.0.0.1:4000/v1/chat/completions,12345
                          (it has to serve ${'`bench/model`'} from the upstream; with its pid, CPU and memory are shown)
  --help                  this text
`;

/** @throws TypeError for an option that makes no sense. */
export function parseArguments(args: readonly string[]): BenchArguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      scenario: { type: 'string', default: '' },
      pace: { type: 'string', default: '2' },
      peer: { type: 'string', multiple: true, default: [] },
    },
  });
  return {
    help: values.help,
    quick: values.quick,
    rounds: wholeNumber('--rounds', values.rounds ?? (values.quick ? '3' : '5'), 1),
    scenario: values.scenario,
    paceMs: wholeNumber('--pace', values.pace, 0),
    peers: values.peer.map(parsePeer),
  };
}

function parsePeer(text: string): Peer {
  const match = /^([^=]+)=(http:\/\/[^,]+)(?:,(\d+))?$/.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) {
    throw new TypeError(`--peer: expected name=http://127.0.0.1:port/path[,pid], got ${text}`);
  }
  const url = new URL(match[2]);
  if (url.hostname !== '127.0.0.1' && url.hostname !== 'localhost') {
    throw new TypeError('--peer: expected an address of this machine');
  }
  return { name: match[1], url, pid: match[3] === undefined ? undefined : Number(match[3]) };
}

function wholeNumber(name: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least) return value;
  throw new TypeError(`${name}: expected a whole number from ${least}, got ${text}`);
}
