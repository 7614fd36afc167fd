import type { Finder, Tail } from './hold-back.js';
import { isLetterOrDigit } from './units.js';

/** How a credential begins, and how many characters of a token follow at least. */
const TOKENS: readonly (readonly [prefix: string, least: number, dotted?: 'dotted'])[] = [
  ['sk-', 20],
  ['sk_live_', 16],
  ['sk_test_', 16],
  ['rk_live_', 16],
  ['rk_test_', 16],
  ['whsec_', 16],
  ['ghp_', 36],
  ['gho_', 36],
  ['ghu_', 36],
  ['ghs_', 36],
  ['ghr_', 36],
  ['github_pat_', 22],
  ['glpat-', 20],
  ['AKIA', 16],
  ['ASIA', 16],
  ['AIza', 35],
  ['xoxb-', 10],
  ['xoxp-', 10],
  ['xoxa-', 10],
  ['xoxr-', 10],
  ['xoxs-', 10],
  ['xapp-', 10],
  ['npm_', 36],
  ['hf_', 30],
  ['dop_v1_', 40],
  ['SG.', 40, 'dotted'],
  ['ya29.', 20, 'dotted'],
  // A JSON Web Token: its header begins with {" in base64.
  ['eyJ', 40, 'dotted'],
];
const FIRSTS: ReadonlySet<number> = new Set(TOKENS.map(([prefix]) => prefix.charCodeAt(0)));
const PEM_BEGIN = '-----BEGIN ';
/** `-----BEGIN RSA PRIVATE KEY-----`, at most so long. */
const PEM_HEAD = /^-----BEGIN (?:[A-Z0-9]{1,16} ){0,2}PRIVATE KEY(?: BLOCK)?-----/;
const LONGEST_PEM_HEAD = 80;
const PEM_END = '-----END';
const PEM_DASHES = '-----';
const DASH = 45;
const DOT = 46;
const UNDERSCORE = 95;
/** Finds API keys and tokens by the prefixes that their issuers give them, JSON Web Tokens, and private keys in PEM. */
export const secretFinder: Finder = {
  find(text, from, final, before) {
    for (let start = from; start < text.length; start += 1) {
      const unit = text.charCodeAt(start);
      if (unit === DASH) {
        const pem = pemFrom(text, start, final);
        if (pem === 'undecided') return start;
        if (pem !== undefined) return { start, end: pem, tail: pemTail() };
      }
      if (!FIRSTS.has(unit)) continue;
      const previous = start === 0 ? before.charCodeAt(0) : text.charCodeAt(start - 1);
      if (isLetterOrDigit(previous)) continue;
      const token = tokenFrom(text, start, final);
      if (token === 'undecided') return start;
      if (token !== undefined) return { start, ...token };
    }
    return text.length;
  },
};

/** The end of the least token that begins here. */
function tokenFrom(
  text: string,
  start: number,
  final: boolean,
): { readonly end: number; readonly tail: Tail } | 'undecided' | undefined {
  let undecided = false;
  for (const [prefix, least, dotted] of TOKENS) {
    const tail = dotted === undefined ? isToken : isDottedToken;
    const known = text.slice(start, start + prefix.length);
    if (known !== prefix.slice(0, known.length)) continue;
    const enough = start + prefix.length + least;
    let end = start + prefix.length;
    while (end < enough && end < text.length && tail(text.charCodeAt(end))) end += 1;
    if (end >= enough && text.length >= enough) return { end, tail };
    undecided ||= end >= text.length;
  }
  return undecided && !final ? 'undecided' : undefined;
}

function isToken(unit: number): boolean {
  return isLetterOrDigit(unit) || unit === UNDERSCORE || unit === DASH;
}

/** A token in parts with dots between them. */
function isDottedToken(unit: number): boolean {
  return isToken(unit) || unit === DOT;
}

function pemFrom(text: string, start: number, final: boolean): number | 'undecided' | undefined {
  const known = text.slice(start, start + PEM_BEGIN.length);
  if (known !== PEM_BEGIN.slice(0, known.length)) return undefined;
  const head = PEM_HEAD.exec(text.slice(start, start + LONGEST_PEM_HEAD));
  if (head !== null) return start + head[0].length;
  return !final && text.length - start < LONGEST_PEM_HEAD ? 'undecided' : undefined;
}

/**
 * The rest of a key in PEM, whatever it has: base64, headers in any words, backslashes of line ends written as `\n`. It ends
 * with the dashes after `-----END`; another beginning in it ends nothing.
 */
function pemTail(): Tail {
  let recent = '';
  let isEnding = false;
  let isOver = false;
  return (unit) => {
    if (isOver) return false;
    recent = (recent + String.fromCharCode(unit)).slice(-PEM_END.length);
    if (isEnding) isOver = recent.endsWith(PEM_DASHES);
    else isEnding = recent === PEM_END;
    return true;
  };
}
