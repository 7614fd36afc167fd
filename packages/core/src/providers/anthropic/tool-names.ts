import type { ChatRequest } from '../../wire/chat.js';
import { callsOf } from '../conversation.js';
import { type Renaming, rename, sanitised } from '../rename.js';

const FITTING = /^[a-zA-Z0-9_-]{1,64}$/;
const FITTING_ID = /^[a-zA-Z0-9_-]{1,256}$/;
const FOREIGN = /[^a-zA-Z0-9_-]/g;

/** The client's names of the tools, for what this API calls them. */
export function toolNames(request: ChatRequest): Renaming {
  const offered = (request.tools ?? []).map((tool) => tool.function.name);
  const called = callsOf(request.messages).map((call) => call.function.name);
  return rename(
    [...offered, ...called],
    (name) => FITTING.test(name),
    (name, attempt) => sanitised(name, attempt, FOREIGN, 64),
  );
}

/** Ids of calls, as this API takes them. */
export function toolIds(request: ChatRequest): Renaming {
  return rename(
    callsOf(request.messages).map(({ id }) => id),
    (id) => FITTING_ID.test(id),
    (id, attempt) => sanitised(id, attempt, FOREIGN, 256),
  );
}
