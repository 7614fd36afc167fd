import type { Attribution } from '../accounting/types.js';
import { joinTags, parseTags } from '../wire/tags.js';
import type { Caller } from './caller.js';
import { header } from './headers.js';
import type { HttpRequest } from './types.js';

const MOST_CHARACTERS = 256;
const CATEGORY = /^[a-z-]{1,30}$/;
const MOST_CATEGORIES = 2;
/** Control characters of Unicode. */
const CONTROL = /\p{Cc}/gu;

type Metadata = Readonly<Record<string, string | readonly string[]>> | undefined;

/**
 * What a client says of itself in headers and metadata. What is wrong in a header is left out; a wrong tag is not.
 *
 * @throws GatewayError `invalid_request` for a tag.
 */
export function attributionOf(request: HttpRequest, metadata: Metadata, caller: Caller): Attribution {
  const referer = refererOf(header(request, 'http-referer'));
  const title = textOf(header(request, 'x-openrouter-title') ?? header(request, 'x-title'));
  return {
    referer,
    app: referer === undefined ? title : new URL(referer).origin,
    title,
    categories: categoriesOf(header(request, 'x-openrouter-categories')),
    userAgent: textOf(header(request, 'user-agent')),
    tags: tagsOf(header(request, 'x-tag'), metadata, caller),
  };
}

/** Nothing but the caller's own tags. */
export function plainAttribution(metadata: Metadata, caller: Caller): Attribution {
  const tags = tagsOf(undefined, metadata, caller);
  return { referer: undefined, app: undefined, title: undefined, categories: [], userAgent: undefined, tags };
}

function tagsOf(given: string | undefined, metadata: Metadata, caller: Caller): readonly string[] {
  const { tags, tag } = metadata ?? {};
  if (given === undefined && tags === undefined && tag === undefined) return caller.tags;
  const own = joinTags('metadata.tags', [
    ...parseTags('metadata.tags', tags),
    ...parseTags('metadata.tag', typeof tag === 'string' ? [tag] : tag),
    ...parseTags('X-Tag', given),
  ]);
  return [...new Set([...own, ...caller.tags])];
}

function refererOf(given: string | undefined): string | undefined {
  if (given === undefined || given.length > MOST_CHARACTERS || !URL.canParse(given)) return undefined;
  const { protocol } = new URL(given);
  return protocol === 'http:' || protocol === 'https:' ? given : undefined;
}

function textOf(given: string | undefined): string | undefined {
  const text = given?.replace(CONTROL, '').trim().slice(0, MOST_CHARACTERS);
  return text === '' ? undefined : text;
}

function categoriesOf(given: string | undefined): readonly string[] {
  if (given === undefined) return [];
  const names = given.slice(0, MOST_CHARACTERS).split(',');
  return names
    .map((name) => name.trim())
    .filter((name) => CATEGORY.test(name))
    .slice(0, MOST_CATEGORIES);
}
