/** Which models of a price list are served over chat completions, and what they are called here. */
export interface Selection {
  /** The preset. */
  readonly vendor: string;
  /** The provider's id in the price list. */
  readonly source: string;
  /** The canonical id of a model; undefined for one that is left out. */
  model(id: string): string | undefined;
  /** What the provider's API calls it. */
  upstream(id: string): string;
}

const same = (id: string): string => id;

/** `claude-sonnet-4-5` and `kimi-k2p5` as their makers write them: with a dot between the numbers of a version. */
const dotted = (id: string): string => id.replace(/(\d)[p-](\d)(?!\d)/g, '$1.$2').replace(/\.0$/, '');

const OPENAI_OTHER =
  /^(?:ada|babbage|curie|davinci|text-|ft:|whisper|moderation|computer-use|codex|gpt-oss)|embedding|transcribe|tts|realtime|image|:extended|instruct|-pro$|codex|deep-research|\.ft-|search-preview/;
const ANTHROPIC_API_NAMES: Readonly<Record<string, string>> = {
  'claude-3-5-sonnet': 'claude-3-5-sonnet-latest',
  'claude-3-haiku': 'claude-3-haiku-20240307',
  'claude-3-sonnet': 'claude-3-sonnet-20240229',
};

const GROQ: Readonly<Record<string, string>> = {
  'llama-3.3-70b-versatile': 'meta-llama/llama-3.3-70b-instruct',
  'llama-3.1-8b-instant': 'meta-llama/llama-3.1-8b-instruct',
  'llama3-70b-8192': 'meta-llama/llama-3-70b-instruct',
  'llama3-8b-8192': 'meta-llama/llama-3-8b-instruct',
  'meta-llama/llama-4-maverick-17b-128e-instruct': 'meta-llama/llama-4-maverick',
  'meta-llama/llama-4-scout-17b-16e-instruct': 'meta-llama/llama-4-scout',
  'meta-llama/llama-guard-4-12b': 'meta-llama/llama-guard-4-12b',
  'mixtral-8x7b-32768': 'mistralai/mixtral-8x7b-instruct',
  'gemma2-9b-it': 'google/gemma-2-9b-it',
  'deepseek-r1-distill-llama-70b': 'deepseek/deepseek-r1-distill-llama-70b',
  'moonshotai/kimi-k2-instruct': 'moonshotai/kimi-k2',
  'openai/gpt-oss-120b': 'openai/gpt-oss-120b',
  'openai/gpt-oss-20b': 'openai/gpt-oss-20b',
  'qwen/qwen3-32b': 'qwen/qwen3-32b',
};

const MISTRAL_LATEST = /^(?:mistral-(?:large|medium|small)|codestral|magistral-(?:medium|small)|pixtral-large)$/;

const TOGETHER: Readonly<Record<string, string>> = {
  'meta-llama/Llama-3.3-70B-Instruct-Turbo': 'meta-llama/llama-3.3-70b-instruct',
  'meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8': 'meta-llama/llama-4-maverick',
  'meta-llama/Llama-4-Scout-17B-16E-Instruct': 'meta-llama/llama-4-scout',
  'meta-llama/Meta-Llama-3-70B-Instruct-Turbo': 'meta-llama/llama-3-70b-instruct',
  'meta-llama/Meta-Llama-3-8B-Instruct-Turbo': 'meta-llama/llama-3-8b-instruct',
  'meta-llama/Meta-Llama-3.1-405B-Instruct-Turbo': 'meta-llama/llama-3.1-405b-instruct',
  'meta-llama/Meta-Llama-3.1-70B-Instruct-Turbo': 'meta-llama/llama-3.1-70b-instruct',
  'meta-llama/Meta-Llama-3.1-8B-Instruct-Turbo': 'meta-llama/llama-3.1-8b-instruct',
  'mistralai/Mixtral-8x7B-Instruct-v0.1': 'mistralai/mixtral-8x7b-instruct',
  'mistralai/Mixtral-8x22B-Instruct-v0.1': 'mistralai/mixtral-8x22b-instruct',
};

const FIREWORKS_AUTHORS: readonly (readonly [RegExp, string])[] = [
  [/^deepseek/, 'deepseek'],
  [/^gemma/, 'google'],
  [/^glm/, 'z-ai'],
  [/^gpt-oss/, 'openai'],
  [/^kimi/, 'moonshotai'],
  [/^minimax/, 'minimax'],
  [/^qwen/, 'qwen'],
];

/** Makers whose models people ask OpenRouter for by name. */
const OPENROUTER_AUTHORS: ReadonlySet<string> = new Set([
  'openai',
  'anthropic',
  'google',
  'meta-llama',
  'mistralai',
  'deepseek',
  'x-ai',
  'qwen',
  'cohere',
  'perplexity',
  'moonshotai',
  'z-ai',
  'minimax',
  'amazon',
  'nvidia',
  'microsoft',
  'ai21',
  'inception',
  'nousresearch',
]);

/** In the order of the presets. */
export const selections: readonly Selection[] = [
  {
    vendor: 'openai',
    source: 'openai',
    model: (id) => (OPENAI_OTHER.test(id) ? undefined : `openai/${id}`),
    upstream: same,
  },
  {
    vendor: 'anthropic',
    source: 'anthropic',
    model: (id) => (/^claude-(?:v1|2)/.test(id) ? undefined : `anthropic/${dotted(id.replace(/-latest$/, ''))}`),
    upstream: (id) => ANTHROPIC_API_NAMES[id] ?? id,
  },
  {
    vendor: 'google',
    source: 'google',
    model: (id) =>
      /^(?:gemini-\d|gemma-[34])/.test(id) && !/tts|live|vision|embedding|maas/.test(id) ? `google/${id}` : undefined,
    upstream: same,
  },
  { vendor: 'groq', source: 'groq', model: (id) => GROQ[id], upstream: same },
  {
    vendor: 'mistral',
    source: 'mistral',
    model: (id) =>
      /embed|ocr|:free|voxtral/.test(id)
        ? undefined
        : `mistralai/${id === 'mistral-medium-3-1' || id === 'mistral-medium-3-5' ? dotted(id) : id.replace(/-latest$/, '')}`,
    upstream: (id) => (MISTRAL_LATEST.test(id) ? `${id}-latest` : id),
  },
  { vendor: 'together', source: 'together', model: (id) => TOGETHER[id], upstream: same },
  {
    vendor: 'fireworks',
    source: 'fireworks',
    model: (id) => {
      if (/-(?:fast|us)$/.test(id)) return undefined;
      if (id === 'llama-v3p1-8b-instruct') return 'meta-llama/llama-3.1-8b-instruct';
      if (id === 'llama4-maverick-instruct-basic') return 'meta-llama/llama-4-maverick';
      const author = FIREWORKS_AUTHORS.find(([pattern]) => pattern.test(id))?.[1];
      return author && `${author}/${id.replace(/(\d)p(\d)/g, '$1.$2')}`;
    },
    upstream: (id) => `accounts/fireworks/models/${id}`,
  },
  {
    vendor: 'deepseek',
    source: 'deepseek',
    model: (id) => (/^deepseek-(?:chat|reasoner|v4-)/.test(id) ? `deepseek/${id}` : undefined),
    upstream: same,
  },
  {
    vendor: 'xai',
    source: 'x-ai',
    model: (id) => (/voice/.test(id) ? undefined : `x-ai/${id === 'grok-4-0709' ? 'grok-4' : id}`),
    upstream: same,
  },
  {
    vendor: 'perplexity',
    source: 'perplexity',
    model: (id) => (/^sonar|^r1/.test(id) ? `perplexity/${id}` : undefined),
    upstream: same,
  },
  {
    vendor: 'openrouter',
    source: 'openrouter',
    model: (id) =>
      OPENROUTER_AUTHORS.has(id.slice(0, id.indexOf('/'))) &&
      !/:free$|embedding|-tts|transcribe|whisper|rerank/.test(id)
        ? id
        : undefined,
    upstream: same,
  },
];
