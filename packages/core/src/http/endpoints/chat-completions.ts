import { type GatewayError, toGatewayError, withBeside } from '../../errors.js';
import { type FrameFormat, jsonLines, serverSentEvents } from '../../sse/encode.js';
import { Relay } from '../../sse/relay.js';
import type { ChatChunk } from '../../wire/chat.js';
import { type ParsedChat, parseChat } from '../../wire/parse-chat.js';
import { toAnswerError, withChoiceErrors } from '../../wire/problem.js';
import type { RoutingMetadata } from '../../wire/routing-metadata.js';
import { separateUsage } from '../../wire/usage-chunk.js';
import { attributionOf } from '../attribution.js';
import { readJsonBody } from '../body.js';
import type { CallOrigin, ChatCall, Exchange, OpenStream } from '../exchange.js';
import { header, plainHeaders } from '../headers.js';
import { type IdempotentCall, idempotencyOf } from '../idempotency.js';
import { JSON_TYPE, json } from '../render.js';
import type { HttpRequest, HttpResponse } from '../types.js';

const BETA_NAME = /^[a-z0-9-]{1,64}$/;
const MAX_SESSION = 256;
const STREAM_HEADERS = { 'cache-control': 'no-cache, no-store, no-transform', 'x-accel-buffering': 'no' };

/** POST /chat/completions */
export async function chatCompletions(exchange: Exchange): Promise<HttpResponse> {
  const { request, services, caller, headers } = exchange;
  const body = await readJsonBody(request, services.bodyLimits, services.clock);
  const parsed = parseChat(body, { betas: betasOf(request), session: sessionOf(request) });
  const attribution = attributionOf(request, parsed.request.metadata, caller);
  const generationId = services.newGenerationId();
  const { replays, keepReplays: keep, replayLapseMs: lapseMs, clock } = services;
  const idempotent = idempotencyOf(request, body, caller, { replays, keep, lapseMs, clock });
  // Before anything of the request is done: an answer that was given is given again whatever has changed since.
  const replayed = await idempotent?.claim(generationId);
  if (replayed !== undefined) return replay(replayed, exchange);
  const call = await begun(exchange, parsed, { attribution, generationId }).catch(async (error: unknown) => {
    await idempotent?.release();
    throw error;
  });
  headers['x-generation-id'] = call.id;
  return parsed.request.stream === true ? stream(exchange, call, idempotent) : whole(exchange, call, idempotent);
}

function begun(
  { request, requestId, services, caller, allowance }: Exchange,
  parsed: ParsedChat,
  named: Pick<CallOrigin, 'attribution' | 'generationId'>,
): Promise<ChatCall> {
  const headers = (): Readonly<Record<string, string>> => plainHeaders(request);
  return services.beginChat(parsed, caller, request.signal, { ...named, requestId, headers, allowance });
}

/** A kept answer once more. It was paid for when it was given. */
function replay(body: string, { headers }: Exchange): HttpResponse {
  const { id } = JSON.parse(body) as { readonly id: string };
  headers['x-generation-id'] = id;
  headers['idempotent-replayed'] = 'true';
  return { status: 200, headers: { 'content-type': JSON_TYPE }, body };
}

async function whole(
  exchange: Exchange,
  call: ChatCall,
  idempotent: IdempotentCall | undefined,
): Promise<HttpResponse> {
  try {
    const completion = withChoiceErrors(await call.complete(), exchange.codeForm);
    const response = json(200, { ...completion, ...metadataOf(exchange, call) });
    await idempotent?.finish(response.body);
    return response;
  } catch (thrown) {
    await idempotent?.release();
    throw told(thrown, exchange, call);
  } finally {
    call.end('complete');
  }
}

/** Anthropic's beta features that the client asks for; which of them go on is the provider's decision. */
function betasOf(request: HttpRequest): readonly string[] {
  const names = header(request, 'x-anthropic-beta')?.split(',') ?? [];
  return names.map((name) => name.trim()).filter((name) => BETA_NAME.test(name));
}

/** The conversation that a request belongs to. */
function sessionOf(request: HttpRequest): string | undefined {
  const name = header(request, 'x-session-id');
  return name !== undefined && name !== '' && name.length <= MAX_SESSION ? name : undefined;
}

/** How a call was routed, for clients that ask. */
function metadataOf({ request }: Exchange, call: ChatCall): { readonly openrouter_metadata?: RoutingMetadata } {
  const asked = header(request, 'x-openrouter-metadata') ?? header(request, 'x-openrouter-experimental-metadata');
  return asked?.toLowerCase() === 'enabled' ? { openrouter_metadata: call.metadata() } : {};
}

/** An error that tells how far the call came, to clients that ask. */
function told(thrown: unknown, exchange: Exchange, call: ChatCall): GatewayError {
  const error = toGatewayError(thrown);
  const metadata = metadataOf(exchange, call);
  return error.code === 'internal_error' || metadata.openrouter_metadata === undefined
    ? error
    : withBeside(error, { ...metadata });
}

/**
 * Waits for the first content or the first keep-alive, whichever is earlier: until then an error is a JSON answer with
 * its own status.
 */
async function stream(
  exchange: Exchange,
  call: ChatCall,
  idempotent: IdempotentCall | undefined,
): Promise<HttpResponse> {
  const { services } = exchange;
  const opening = call.open();
  let cancel = (): void => undefined;
  const quiet = new Promise<undefined>((resolve) => {
    cancel = services.clock.after(services.streams.keepAliveMs, () => resolve(undefined));
  });
  try {
    const opened = await Promise.race([opening, quiet]);
    const format = formatOf(exchange);
    const relay = createRelay(exchange, call, opened ?? opening, { format, idempotent });
    if (opened === undefined) relay.keepAliveFirst();
    return { status: 200, headers: { ...STREAM_HEADERS, 'content-type': format.contentType }, body: relay };
  } catch (thrown) {
    call.end();
    await idempotent?.release();
    throw told(thrown, exchange, call);
  } finally {
    cancel();
  }
}

function createRelay(
  exchange: Exchange,
  call: ChatCall,
  opening: Promise<OpenStream> | OpenStream,
  { format, idempotent }: { readonly format: FrameFormat; readonly idempotent: IdempotentCall | undefined },
): Relay {
  const { request, services } = exchange;
  const { streams, clock } = services;
  let opened = opening instanceof Promise ? undefined : opening;
  let hasFailed = false;
  const opens = (open: OpenStream): OpenStream => {
    opened = open;
    return open;
  };
  return new Relay(opening instanceof Promise ? opening.then(opens) : opening, {
    format,
    clock,
    keepAliveMs: streams.keepAliveMs,
    clientStallMs: streams.clientStallMs,
    stage(chunks) {
      const shown = withMetadata(chunks, exchange, call);
      return streams.usageChunk === 'separate' ? shown.flatMap(separateUsage) : shown;
    },
    failure(thrown) {
      const chunk = failureChunk(exchange, call, opened, thrown);
      hasFailed = chunk !== undefined;
      return chunk;
    },
    disconnect: () => request.disconnect?.(),
    done(complete) {
      call.end(complete ? 'complete' : undefined);
      void (hasFailed ? idempotent?.release() : idempotent?.finish(undefined));
    },
  });
}

/** The chunk with the usage, which is the last, tells how the call was routed, to clients that ask. */
function withMetadata(chunks: readonly ChatChunk[], exchange: Exchange, call: ChatCall): readonly ChatChunk[] {
  const last = chunks.at(-1);
  if (last?.usage === undefined) return chunks;
  return [...chunks.slice(0, -1), { ...last, ...metadataOf(exchange, call) }];
}

function formatOf(exchange: Exchange): FrameFormat {
  const { request, services } = exchange;
  const accept = header(request, 'accept');
  if (accept?.toLowerCase().includes('application/x-ndjson')) return jsonLines();
  const { keepAliveComment: comment, eventIds } = services.streams;
  const wanted = eventIds || header(request, 'x-sse-event-ids') === 'true';
  return serverSentEvents({ comment, eventIds: wanted });
}

/** The error as the last chunk of a stream; nothing for a client that is gone. */
function failureChunk(
  exchange: Exchange,
  call: ChatCall,
  opened: OpenStream | undefined,
  thrown: unknown,
): ChatChunk | undefined {
  const error = toGatewayError(thrown);
  if (error.code === 'client_closed') return undefined;
  if (error.code === 'internal_error') exchange.services.report(error, exchange.requestId);
  return {
    id: call.id,
    object: 'chat.completion.chunk',
    created: call.created,
    model: opened?.model ?? call.requestedModel,
    provider: opened?.provider ?? '',
    choices: [{ index: 0, delta: { content: '' }, finish_reason: 'error', native_finish_reason: null, logprobs: null }],
    error: toAnswerError(error, exchange.codeForm),
    ...(opened !== undefined && { usage: opened.brokenUsage() }),
    ...metadataOf(exchange, call),
  };
}
