import type { Price } from './price.js';
import type { CapabilityName, ModelFacts } from './types.js';

/** What a model takes of which nothing else is known: what every chat endpoint of the OpenAI family takes. */
const USUAL_PARAMETERS: readonly string[] = [
  'max_tokens',
  'temperature',
  'top_p',
  'stop',
  'frequency_penalty',
  'presence_penalty',
  'seed',
  'tools',
  'tool_choice',
  'response_format',
  'structured_outputs',
];

/** Names of every capability, in the order of the wire. */
export const CAPABILITY_NAMES: readonly CapabilityName[] = [
  'function_calling',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'structured_output',
  'json_mode',
  'vision',
  'audio_input',
  'video_input',
  'file_input',
  'image_output',
  'audio_output',
  'reasoning',
  'logprobs',
  'prompt_caching',
  'streaming',
];

/** The request parameters that a model takes. */
export function parametersOf(facts: ModelFacts): readonly string[] {
  return facts.supportedParameters ?? USUAL_PARAMETERS;
}

/** What a model can do, as its parameters, modalities and price say, and as the catalogue states. */
export function capabilitiesOf(facts: ModelFacts, price: Price | undefined): Readonly<Record<CapabilityName, boolean>> {
  const takes = (parameter: string): boolean => parametersOf(facts).includes(parameter);
  const { inputModalities = [], outputModalities = [] } = facts;
  return {
    function_calling: takes('tools'),
    tools: takes('tools'),
    tool_choice: takes('tool_choice'),
    parallel_tool_calls: takes('parallel_tool_calls'),
    structured_output: takes('structured_outputs'),
    json_mode: takes('response_format'),
    vision: inputModalities.includes('image'),
    audio_input: inputModalities.includes('audio'),
    video_input: inputModalities.includes('video'),
    file_input: inputModalities.includes('file'),
    image_output: outputModalities.includes('image'),
    audio_output: outputModalities.includes('audio'),
    reasoning: takes('reasoning'),
    logprobs: takes('logprobs'),
    prompt_caching: price?.rates.input_cache_read !== undefined,
    streaming: true,
    ...facts.capabilities,
  };
}
