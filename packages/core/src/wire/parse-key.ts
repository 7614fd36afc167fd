import { z } from 'zod';
import { GatewayError } from '../errors.js';
import type { LimitReset, Scope } from '../http/types.js';
import { usdToNano } from '../usd.js';
import { plainObject } from './schema-parts.js';
import { expandScopes, SCOPES } from './scopes.js';
import { tagSchema } from './tags.js';
import { fieldError, toValidationError } from './validation-error.js';

/** Checked fields of a key; amounts in nano-USD, times in milliseconds since the epoch. Undefined: not given. */
export interface KeyFields {
  readonly name?: string | undefined;
  readonly scopes?: readonly Scope[] | null | undefined;
  readonly limit?: bigint | null | undefined;
  readonly limit_reset?: LimitReset | null | undefined;
  readonly rate_limit?:
    | {
        readonly requests_per_minute?: number | null | undefined;
        readonly tokens_per_minute?: number | null | undefined;
      }
    | null
    | undefined;
  readonly models?: readonly string[] | null | undefined;
  readonly expires_at?: number | null | undefined;
  readonly tags?: readonly string[] | null | undefined;
  readonly transforms?: readonly string[] | null | undefined;
  readonly metadata?: Readonly<Record<string, string>> | null | undefined;
  readonly include_byok_in_limit?: boolean | null | undefined;
  readonly creator_user_id?: string | null | undefined;
  readonly external?: { readonly user: string } | null | undefined;
  readonly workspace_id?: string | null | undefined;
  readonly disabled?: boolean | undefined;
}

const MOST_USD = 1e9;

const scopes = z
  .array(z.enum([...SCOPES, 'inference', 'management']))
  .min(1)
  .max(16)
  .transform((names) => [...expandScopes(names)])
  .refine((names) => !(names.includes('chat') && names.includes('keys:write')), {
    message: 'expected not both of chat and keys:write: a key either manages or infers',
  });

const limit = z
  .number()
  .min(0)
  .max(MOST_USD)
  .transform((usd, context) => {
    const nano = usdToNano(usd);
    if (nano !== undefined) return nano;
    context.addIssue({ code: 'custom', message: 'expected USD with at most nine decimals' });
    return z.NEVER;
  });

const text = z.string().min(1).max(256);

const fields = {
  name: z.string().trim().min(1).max(100),
  scopes: scopes.optional(),
  limit: limit.nullish(),
  limit_reset: z.enum(['daily', 'weekly', 'monthly']).nullish(),
  rate_limit: z
    .strictObject({
      requests_per_minute: z.int().min(1).max(1_000_000).nullish(),
      tokens_per_minute: z.int().min(1).max(1_000_000_000).nullish(),
    })
    .nullish(),
  models: z.array(text).min(1).max(100).nullish(),
  expires_at: z.iso
    .datetime({ offset: true, error: 'expected ISO 8601 with an offset, such as 2030-01-31T00:00:00Z' })
    .transform((time) => Date.parse(time))
    .nullish(),
  tags: z.array(tagSchema).max(10).nullish(),
  transforms: z.array(z.string().min(1).max(64)).max(8).nullish(),
  metadata: z
    .record(z.string().min(1).max(64), z.string().max(512))
    .refine((map) => Object.keys(map).length <= 16, 'expected at most 16 entries')
    .nullish(),
  include_byok_in_limit: z.boolean().nullish(),
  creator_user_id: text.nullish(),
  external: z.strictObject({ user: text }).nullish(),
  workspace_id: z.string().nullish(),
};

const newKey = z.strictObject({ ...fields, scopes: scopes.nullish() });
// A key cannot be without a name, scopes or a state: there is nothing that null could clear.
const keyChange = z.strictObject({ ...fields, name: fields.name.optional(), disabled: z.boolean().optional() });

/**
 * Checks the fields of a new key. A misspelt field is refused: a `limit` that is not read would make a key without one.
 *
 * @throws GatewayError `invalid_request`, naming the field.
 */
export function parseNewKey(body: unknown, now: number): KeyFields & { readonly name: string } {
  refuseCode(body);
  const result = newKey.safeParse(body);
  if (!result.success) throw toValidationError(result.error);
  return checked(result.data, now);
}

/** Checks what of a key is to change. @throws GatewayError `invalid_request`, naming the field. */
export function parseKeyChange(body: unknown, now: number): KeyFields {
  const result = keyChange.safeParse(body);
  if (!result.success) throw toValidationError(result.error);
  return checked(result.data, now);
}

function checked<T extends KeyFields>(given: T, now: number): T {
  const { expires_at: expiresAt } = given;
  if (typeof expiresAt === 'number' && expiresAt <= now)
    throw fieldError('expires_at', 'expected a time in the future');
  return given;
}

/** Keys in exchange for an authorisation code are another thing that this route is for elsewhere. */
function refuseCode(body: unknown): void {
  if (!plainObject.safeParse(body).success || !Object.hasOwn(Object(body), 'code')) return;
  throw new GatewayError('unsupported_feature', 'code: not supported yet', { metadata: { feature: 'pkce' } });
}
