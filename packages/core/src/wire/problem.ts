import { GatewayError } from '../errors.js';
import type { AnswerError, ChatCompletion } from './chat.js';

/** Whether `error.code` is the word or the number of the HTTP status; official SDKs of OpenRouter throw on a word. */
export type CodeForm = 'string' | 'status';

/** What the gateway may be configured to answer: `auto` looks at who is asking. */
export type CodeFormOption = CodeForm | 'auto';

/** The official OpenRouter SDK from Node: `speakeasy-sdk/typescript <versions> @openrouter/sdk`. */
const OFFICIAL_SDK = /^speakeasy-sdk\/\S+ .*openrouter/i;
/** A header longer than this is not looked at: no client sends one, and matching it costs time. */
const MAX_AGENT_LENGTH = 512;

/**
 * The form of `error.code` for one client: the request header `X-Error-Code` (`status` or `string`) wins, then the
 * gateway's option, then the `User-Agent`.
 */
export function codeFormFor(option: CodeFormOption, header: string | undefined, agent: string | undefined): CodeForm {
  if (header === 'status' || header === 'string') return header;
  if (option !== 'auto') return option;
  if (agent === undefined || agent.length > MAX_AGENT_LENGTH) return 'string';
  return OFFICIAL_SDK.test(agent) ? 'status' : 'string';
}

/** The wire's error object: `error_type` and the string code stand in `metadata` whatever the form of `code`. */
export function toAnswerError(error: GatewayError, form: CodeForm): AnswerError {
  const { availability, ...metadata } = error.metadata;
  return {
    code: form === 'status' ? error.status : error.code,
    message: error.message,
    metadata: { error_type: error.errorType, code: error.code, ...metadata },
    ...(availability !== undefined && { availability }),
  };
}

/** A whole answer, with the error on each choice in which the provider broke off: what it had written stays. */
export function withChoiceErrors(completion: ChatCompletion, form: CodeForm): ChatCompletion {
  if (completion.choices.every((choice) => choice.finish_reason !== 'error')) return completion;
  const error = toAnswerError(new GatewayError('provider_error', 'The provider broke off'), form);
  return {
    ...completion,
    choices: completion.choices.map((choice) => (choice.finish_reason === 'error' ? { ...choice, error } : choice)),
  };
}
