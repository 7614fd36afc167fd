import type { ChatCall, OpenStream } from './http/exchange.js';
import type { ChatChunk } from './wire/chat.js';

/** A streamed answer without HTTP. Leaving a `for await` early stops the upstream. */
export interface ChatStream extends AsyncIterable<ChatChunk> {
  readonly id: string;
  /** Canonical id of the model that answers. */
  readonly model: string;
  /** Display name of the provider that answers. */
  readonly provider: string;
  /** Stops the upstream; the iteration ends. */
  cancel(): void;
}

/** A call's stream, chunk by chunk. Errors after the first content are thrown out of the iteration. */
export function toChatStream(source: OpenStream, call: ChatCall): ChatStream {
  const { model, provider } = source;
  const cancel = (): void => {
    call.end();
    source.cancel();
  };
  return {
    id: call.id,
    model,
    provider,
    cancel,
    async *[Symbol.asyncIterator]() {
      try {
        for (let chunks = await source.read(); chunks !== undefined; chunks = await source.read()) {
          yield* chunks;
        }
      } finally {
        cancel();
      }
    },
  };
}
