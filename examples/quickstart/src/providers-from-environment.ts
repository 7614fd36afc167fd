import {
  anthropic,
  deepseek,
  fireworks,
  flo2,
  google,
  groq,
  mistral,
  ollama,
  openai,
  openrouter,
  type PresetOptions,
  type Provider,
  perplexity,
  together,
  xai,
} from '@gatehouse/core';

/** What the environment says about providers. */
export interface FoundProviders {
  readonly providers: readonly Provider[];
  /** Lines for people: what was found and cannot be used, and why. */
  readonly notes: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

const presets: Readonly<Record<string, (options: Pick<PresetOptions, 'apiKey' | 'baseUrl'>) => Provider>> = {
  OPENAI: openai,
  ANTHROPIC: anthropic,
  GEMINI: google,
  GROQ: groq,
  MISTRAL: mistral,
  OPENROUTER: openrouter,
  DEEPSEEK: deepseek,
  XAI: xai,
  TOGETHER: together,
  FIREWORKS: fireworks,
  PERPLEXITY: perplexity,
};

/** Makes a provider of every key in the environment; `…_BASE_URL` beside a key replaces its public address. */
export function providersFromEnvironment(environment: Environment): FoundProviders {
  const providers: Provider[] = [];
  const notes: string[] = [];
  for (const [name, preset] of Object.entries(presets)) {
    const apiKey = value(environment, `${name}_API_KEY`);
    if (apiKey !== undefined) providers.push(preset({ apiKey, baseUrl: value(environment, `${name}_BASE_URL`) }));
  }
  const flo2Key = value(environment, 'FLO2_API_KEY');
  const flo2BaseUrl = value(environment, 'FLO2_BASE_URL');
  if (flo2Key !== undefined && flo2BaseUrl === undefined) {
    notes.push('FLO2_API_KEY is set, but flo2 has no public address: set FLO2_BASE_URL too.');
  } else if (flo2Key !== undefined) {
    providers.push(flo2({ apiKey: flo2Key, baseUrl: flo2BaseUrl }));
  }
  const ollamaBaseUrl = ollamaApi(value(environment, 'OLLAMA_BASE_URL'));
  if (ollamaBaseUrl !== undefined) providers.push(ollama({ baseUrl: ollamaBaseUrl }));
  return { providers, notes };
}

/** Ollama's address is often given without the path of its OpenAI-compatible API. */
function ollamaApi(address: string | undefined): string | undefined {
  if (address === undefined) return undefined;
  const trimmed = address.replace(/\/+$/, '');
  return trimmed.endsWith('/v1') ? trimmed : `${trimmed}/v1`;
}

function value(environment: Environment, name: string): string | undefined {
  const text = environment[name]?.trim();
  return text === undefined || text === '' ? undefined : text;
}
