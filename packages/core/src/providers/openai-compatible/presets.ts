import type { Provider } from '../types.js';
import { type PresetOptions, preset } from './provider.js';

/** OpenAI. */
export const openai = (options: PresetOptions): Provider => preset('openai', options);
/** OpenRouter itself as an upstream. */
export const openrouter = (options: PresetOptions): Provider => preset('openrouter', options);
/** flo2; has no public address, `baseUrl` must be given. It is asked which models it has, and at which price. */
export const flo2 = (options: PresetOptions): Provider => preset('flo2', options);
/** Groq. */
export const groq = (options: PresetOptions): Provider => preset('groq', options);
/** Mistral. */
export const mistral = (options: PresetOptions): Provider => preset('mistral', options);
/** Together. */
export const together = (options: PresetOptions): Provider => preset('together', options);
/** Fireworks. */
export const fireworks = (options: PresetOptions): Provider => preset('fireworks', options);
/** DeepSeek. */
export const deepseek = (options: PresetOptions): Provider => preset('deepseek', options);
/** xAI. */
export const xai = (options: PresetOptions): Provider => preset('xai', options);
/** Perplexity. */
export const perplexity = (options: PresetOptions): Provider => preset('perplexity', options);
/** Ollama on this machine, by default at `http://localhost:11434/v1`; it is asked which models it has. */
export const ollama = (options: PresetOptions): Provider => preset('ollama', options);
/** vLLM, by default at `http://localhost:8000/v1`; it is asked which models it has. */
export const vllm = (options: PresetOptions): Provider => preset('vllm', options);
