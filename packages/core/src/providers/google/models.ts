/** What a Gemini model takes, where models differ. */
export interface GeminiProfile {
  /** `budget`: thinks for a number of tokens; `level`: with a level. */
  readonly thinking: 'none' | 'budget' | 'level';
  /** The large models: they always think, and for longer. */
  readonly large: boolean;
  /** Levels that it does not know, and what comes nearest. */
  readonly levels: Readonly<Record<'minimal' | 'low' | 'medium' | 'high', string>>;
  /** Takes JSON Schemas as they are; others take a part of OpenAPI's. */
  readonly jsonSchema: boolean;
  /** Takes a schema for its answer beside tools. */
  readonly schemaWithTools: boolean;
  /** Takes images inside the results of functions, and wants its signatures back. */
  readonly third: boolean;
  /** Has a place for instructions. */
  readonly instructions: boolean;
}

const NAME = /gemini-(\d+)(?:\.(\d+))?/;
const LEVELS = { minimal: 'minimal', low: 'low', medium: 'medium', high: 'high' };

/**
 * The profile of a model by the provider's id of it; a name that says nothing is taken for a current one.
 * Source: the provider's public pages on models, thinking, structured output and function calling.
 */
export function profileOf(upstreamModel: string): GeminiProfile {
  const name = upstreamModel.toLowerCase();
  const gemma = name.includes('gemma');
  const match = NAME.exec(name);
  const generation = match === null ? 3 : Number(match[1]) + Number(match[2] ?? 0) / 100;
  const large = name.includes('pro') && !name.includes('image');
  return {
    thinking: gemma || generation < 2.05 ? 'none' : generation < 3 ? 'budget' : 'level',
    large,
    levels: large ? { ...LEVELS, minimal: 'low', ...(generation < 3.01 && { medium: 'high' }) } : LEVELS,
    jsonSchema: !gemma && generation >= 2.05,
    schemaWithTools: !gemma && generation >= 3,
    third: !gemma && generation >= 3,
    instructions: !gemma,
  };
}
