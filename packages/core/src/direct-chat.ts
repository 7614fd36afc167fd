import { type ChatStream, toChatStream } from './chat-stream.js';
import { toGatewayError } from './errors.js';
import { plainAttribution } from './http/attribution.js';
import { toCaller } from './http/caller.js';
import type { Services } from './http/exchange.js';
import type { CallerIdentity } from './http/types.js';
import type { ChatCompletion, ChatRequest } from './wire/chat.js';
import { parseChat } from './wire/parse-chat.js';
import { withChoiceErrors } from './wire/problem.js';

/** How the host calls `gateway.chat`. */
export interface ChatOptions {
  readonly signal?: AbortSignal;
  /** On whose behalf; by default the account `default` with every right that a chat needs. */
  readonly identity?: CallerIdentity;
  /** As the field `transforms` of a request: names, or objects with `name` and options. */
  readonly transforms?: readonly (string | Readonly<Record<string, unknown>>)[] | undefined;
}

/** Calls that do not come over HTTP have none. */
export const noHeaders = (): Readonly<Record<string, string>> => ({});

/** A request with the transforms that the host asks for. */
export function withTransforms(request: ChatRequest, transforms: ChatOptions['transforms']): object {
  return transforms === undefined ? request : { ...request, transforms };
}

/** A chat of the host's own, without HTTP. @throws GatewayError */
export async function chat(
  services: Services,
  request: ChatRequest,
  options: ChatOptions = {},
): Promise<ChatCompletion | ChatStream> {
  services.refuseWhileDraining();
  const signal = options.signal ?? new AbortController().signal;
  const caller = toCaller(options.identity ?? {});
  const parsed = parseChat(withTransforms(request, options.transforms));
  const call = await services.beginChat(parsed, caller, signal, {
    generationId: services.newGenerationId(),
    requestId: services.newRequestId(),
    attribution: plainAttribution(parsed.request.metadata, caller),
    headers: noHeaders,
    allowance: await services.admit(caller),
  });
  try {
    if (request.stream === true) return toChatStream(await call.open(), call);
  } catch (error) {
    call.end();
    throw toGatewayError(error);
  }
  try {
    return withChoiceErrors(await call.complete(), 'string');
  } finally {
    call.end('complete');
  }
}
