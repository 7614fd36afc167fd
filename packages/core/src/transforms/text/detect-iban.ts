import type { Finder } from './hold-back.js';
import { isBlank, isDigit, isHyphen, isLetter, isLetterOrDigit } from './units.js';

/** Lengths by country (SWIFT IBAN registry). */
const LENGTHS: ReadonlyMap<string, number> = new Map(
  (
    'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 ' +
    'FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 ' +
    'LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 ' +
    'RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'
  )
    .split(' ')
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);

/**
 * Finds international bank account numbers (ISO 13616): of a known country, of its length, with the right check digits;
 * together, or in groups with one blank or dash between them.
 */
export const ibanFinder: Finder = {
  find(text, from, final, before) {
    for (let start = from; start < text.length; start += 1) {
      if (!isLetter(text.charCodeAt(start))) continue;
      const previous = start === 0 ? before.charCodeAt(0) : text.charCodeAt(start - 1);
      if (isLetterOrDigit(previous)) continue;
      const end = accountFrom(text, start, final);
      if (end === 'undecided') return start;
      if (end !== undefined) return { start, end };
    }
    return text.length;
  },
};

function accountFrom(text: string, start: number, final: boolean): number | 'undecided' | undefined {
  let account = '';
  let length = 2;
  for (let index = start; ; index += 1) {
    if (index >= text.length) return final ? undefined : 'undecided';
    const unit = text.charCodeAt(index);
    if (!isLetterOrDigit(unit)) {
      // One blank or dash may stand between two characters, not two of them.
      if (!isSeparator(unit) || account.length < 4 || isSeparator(text.charCodeAt(index - 1))) return undefined;
      continue;
    }
    account += text.charAt(index);
    const count = account.length;
    if (count <= 2 && !isLetter(unit)) return undefined;
    if ((count === 3 || count === 4) && !isDigit(unit)) return undefined;
    if (count === 2) {
      const known = LENGTHS.get(account.toUpperCase());
      if (known === undefined) return undefined;
      length = known;
    }
    if (count < length) continue;
    if (index + 1 >= text.length && !final) return 'undecided';
    const isWhole = !isLetterOrDigit(text.charCodeAt(index + 1));
    return isWhole && hasRightCheck(account) ? index + 1 : undefined;
  }
}

function isSeparator(unit: number): boolean {
  return isBlank(unit) || isHyphen(unit);
}

/** ISO/IEC 7064, MOD 97-10: letters count from 10, and the first four characters stand last. */
function hasRightCheck(account: string): boolean {
  let rest = 0;
  for (const character of account.slice(4) + account.slice(0, 4)) {
    const value = Number.parseInt(character, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest === 1;
}
