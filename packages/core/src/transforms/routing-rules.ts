import { z } from 'zod';
import { globMatcher } from '../glob.js';
import type { ChatRequest, ProviderPreferences } from '../wire/chat.js';
import { preferencesSchema } from '../wire/parse-preferences.js';
import { optional } from '../wire/schema-parts.js';
import { checkedOptions } from './checked-options.js';
import { defineTransform } from './define-transform.js';
import { estimateTokens } from './estimate-tokens.js';
import type { Transform, TransformContext } from './types.js';

/** What a rule asks of a request; all that it names has to hold. */
export interface RoutingCondition {
  /** Estimated. */
  readonly min_prompt_tokens?: number | undefined;
  readonly max_prompt_tokens?: number | undefined;
  readonly has_tools?: boolean | undefined;
  readonly has_images?: boolean | undefined;
  /** Glob of one of the request's tags. */
  readonly tag?: string | undefined;
  /** Glob of the label of the caller's key. */
  readonly key?: string | undefined;
  /** Glob of the model that the request names. */
  readonly model?: string | undefined;
  /** Request headers and globs of their values; credentials are not looked at. A name alone: the header is there. */
  readonly header?: string | Readonly<Record<string, string>> | undefined;
  /** From the first full hour of the day up to the second, UTC; past midnight where the first is the larger. */
  readonly utc_hours?: readonly [number, number] | undefined;
}

/** What becomes of a request: whatever is named replaces what the request says, `provider` field by field. */
export interface RoutingChange {
  readonly model?: string | undefined;
  readonly models?: readonly string[] | undefined;
  readonly provider?: ProviderPreferences | undefined;
}

/** One rule: what it asks, and what becomes of a request that fits. */
export interface RoutingRule {
  readonly when: RoutingCondition;
  readonly then: RoutingChange;
}

/** What a request's `{ "name": "routing-rules", … }` has besides its name. */
export interface RoutingRulesOptions {
  /** 1 to 32; the first one that fits counts. */
  readonly rules: readonly RoutingRule[];
}

/** Rules in code: what becomes of a request; undefined leaves it to the written rules. */
export type DecideRouting = (request: ChatRequest, facts: RoutingFacts) => RoutingChange | undefined;

/** What a rule in code may look at besides the request. */
export interface RoutingFacts extends Pick<TransformContext, 'account' | 'label' | 'tags' | 'headers'> {
  /** Estimated. */
  readonly promptTokens: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

const glob = z.string().min(1).max(256);
const tokens = z.int().min(0);
const hour = z.int().min(0).max(24);
const modelId = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[\x21-\x7e]+$/, 'expected printable ASCII characters without blanks');

const options: z.ZodType<RoutingRulesOptions> = z.strictObject({
  rules: z
    .array(
      z.strictObject({
        when: z.strictObject({
          min_prompt_tokens: optional(tokens),
          max_prompt_tokens: optional(tokens),
          has_tools: optional(z.boolean()),
          has_images: optional(z.boolean()),
          tag: optional(glob),
          key: optional(glob),
          model: optional(glob),
          header: optional(z.union([z.string().min(1).max(128), z.record(z.string().min(1).max(128), glob)])),
          utc_hours: optional(z.tuple([hour, hour])),
        }),
        then: z
          .strictObject({
            model: optional(modelId),
            models: optional(z.array(modelId).max(10)),
            provider: optional(preferencesSchema),
          })
          .refine((change) => Object.values(change).some((one) => one !== undefined), 'expected something to change'),
      }),
    )
    .min(1)
    .max(32),
});

/**
 * Rewrites model, fallbacks or provider preferences by rules: the first one whose conditions all hold. What comes of it is
 * checked like any request, so no rule leads beyond what the caller's key may use.
 *
 * @example
 * routingRules({ rules: [{ when: { min_prompt_tokens: 50_000 }, then: { model: 'google/gemini-2.5-flash' } }] })
 * @example
 * routingRules((request, { tags }) => (tags.includes('batch') ? { model: 'openai/gpt-4o-mini:floor' } : undefined))
 * @throws TypeError for rules that cannot work.
 */
export function routingRules(given?: RoutingRulesOptions | DecideRouting): Transform<RoutingRulesOptions> {
  const decide = typeof given === 'function' ? given : undefined;
  const defaults = typeof given === 'function' ? { rules: [] } : given;
  return defineTransform({
    name: 'routing-rules',
    options,
    defaults: given === undefined || decide !== undefined ? defaults : checkedOptions('routingRules', options, given),
    pure: true,
    request(request, context) {
      const facts: RoutingFacts = {
        account: context.account,
        label: context.label,
        tags: context.tags,
        headers: context.headers,
        at: context.startedAt,
        get promptTokens() {
          return estimateTokens(request);
        },
      };
      const inCode = decide?.(request, facts);
      if (inCode !== undefined) return changed(request, inCode);
      const index = context.options.rules.findIndex(({ when }) => fits(when, request, facts));
      const rule = context.options.rules[index];
      if (rule === undefined) return request;
      context.note({ rule: index });
      return changed(request, rule.then);
    },
  });
}

function changed(request: ChatRequest, { model, models, provider }: RoutingChange): ChatRequest {
  return {
    ...request,
    ...(model !== undefined && { model }),
    ...(models !== undefined && { models }),
    ...(provider !== undefined && { provider: { ...request.provider, ...withoutUndefined(provider) } }),
  };
}

function withoutUndefined(preferences: ProviderPreferences): ProviderPreferences {
  return Object.fromEntries(Object.entries(preferences).filter(([, value]) => value !== undefined));
}

function fits(when: RoutingCondition, request: ChatRequest, facts: RoutingFacts): boolean {
  const { min_prompt_tokens: least, max_prompt_tokens: most, has_tools: tools, has_images: images } = when;
  return (
    (tools === undefined || tools === (request.tools ?? []).length > 0) &&
    (images === undefined || images === hasImages(request)) &&
    (when.tag === undefined || facts.tags.some(globMatcher(when.tag))) &&
    (when.key === undefined || globMatcher(when.key)(facts.label)) &&
    (when.model === undefined || globMatcher(when.model)(request.model ?? request.models?.[0] ?? '')) &&
    (when.header === undefined || hasHeader(when.header, facts.headers)) &&
    (when.utc_hours === undefined || isWithin(when.utc_hours, facts.at)) &&
    // Last: they count the whole prompt.
    (least === undefined || facts.promptTokens >= least) &&
    (most === undefined || facts.promptTokens <= most)
  );
}

function hasImages({ messages }: ChatRequest): boolean {
  return messages.some(({ content }) => Array.isArray(content) && content.some((part) => part.type === 'image_url'));
}

function hasHeader(wanted: string | Readonly<Record<string, string>>, headers: RoutingFacts['headers']): boolean {
  if (typeof wanted === 'string') return headers[wanted.toLowerCase()] !== undefined;
  return Object.entries(wanted).every(([name, value]) => {
    const given = headers[name.toLowerCase()];
    return given !== undefined && globMatcher(value)(given);
  });
}

function isWithin([from, to]: readonly [number, number], at: number): boolean {
  const now = new Date(at).getUTCHours();
  return from <= to ? now >= from && now < to : now >= from || now < to;
}
