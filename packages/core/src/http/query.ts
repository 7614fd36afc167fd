import { fieldError } from '../wire/validation-error.js';

/** Values of a list, separated by commas or repeated; undefined where there are none. @throws GatewayError `invalid_request`. */
export function listParam(params: URLSearchParams, name: string, most: number): readonly string[] | undefined {
  const values = params.getAll(name).flatMap((value) => value.split(','));
  const wanted = values.map((value) => value.trim()).filter((value) => value !== '');
  if (wanted.length > most) throw fieldError(name, `expected at most ${most} values`);
  return wanted.length === 0 ? undefined : wanted;
}

/** A whole number within bounds. @throws GatewayError `invalid_request`. */
export function wholeParam(params: URLSearchParams, name: string, least: number, most: number): number | undefined {
  const text = params.get(name);
  if (text === null || text === '') return undefined;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  const bound = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`;
  throw fieldError(name, `expected a whole number ${bound}`);
}

/** `true` or `false`. @throws GatewayError `invalid_request`. */
export function flagParam(params: URLSearchParams, name: string): boolean | undefined {
  const word = wordParam(params, name, ['true', 'false']);
  return word === undefined ? undefined : word === 'true';
}

/** One of some words. @throws GatewayError `invalid_request`. */
export function wordParam<Word extends string>(
  params: URLSearchParams,
  name: string,
  words: readonly Word[],
): Word | undefined {
  const text = params.get(name);
  if (text === null || text === '') return undefined;
  const word = words.find((one) => one === text);
  if (word === undefined) throw fieldError(name, `expected ${words.join(' or ')}`);
  return word;
}
