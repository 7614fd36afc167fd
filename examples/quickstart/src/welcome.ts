/** Models that are cheap and quick, for the first request. */
const FIRST_CHOICES = [
  'openai/gpt-4o-mini',
  'anthropic/claude-haiku-4.5',
  'google/gemini-2.5-flash-lite',
  'meta-llama/llama-3.3-70b-instruct',
  'mistralai/mistral-small',
  'deepseek/deepseek-chat',
  'x-ai/grok-3-mini',
];

/** What a person sees after the start. */
export function welcome(facts: {
  readonly baseUrl: string;
  readonly key: string;
  readonly origin: string;
  /** Ids. */
  readonly models: readonly string[];
  /** Where keys, money and usage are kept. */
  readonly database: string;
  readonly notes: readonly string[];
  readonly demo: boolean;
}): string {
  const ids = facts.models;
  const model = FIRST_CHOICES.find((id) => ids.includes(id)) ?? ids[0] ?? '<no provider has listed a model yet>';
  return [
    '',
    'Gatehouse is running inside an Express app.',
    '',
    `  Base URL  ${facts.baseUrl}`,
    `  Key       ${facts.key}  (${facts.origin})`,
    `  Models    ${listed(ids)}`,
    `  Database  ${facts.database}`,
    ...(facts.demo
      ? [
          '',
          'No provider key is set, so a DEMONSTRATION answers from inside the process: it is no model.',
          'Set OPENAI_API_KEY (or ANTHROPIC_, GEMINI_, GROQ_, MISTRAL_, OPENROUTER_, …_API_KEY, OLLAMA_BASE_URL)',
          'and start again.',
        ]
      : []),
    ...facts.notes.flatMap((note) => ['', note]),
    '',
    'Try it (add "stream": true to see it stream):',
    '',
    curl(facts.baseUrl, facts.key, model),
    '',
    'Each request logs its cost and what is left. Ctrl-C stops.',
  ].join('\n');
}

function listed(ids: readonly string[]): string {
  const shown = ids.slice(0, 8);
  const rest = ids.length - shown.length;
  return shown.join(', ') + (rest > 0 ? `, and ${rest} more (GET /models)` : '');
}

function curl(baseUrl: string, key: string, model: string): string {
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello!' }] });
  return [
    `curl -N ${baseUrl}/chat/completions \\`,
    `  -H 'Authorization: Bearer ${key}' \\`,
    `  -H 'Content-Type: application/json' \\`,
    `  -d '${body}'`,
  ].join('\n');
}
