/**
 * What two spellings of a model's name have in common: `anthropic/claude-3.5-sonnet` and `Anthropic/Claude-3-5-Sonnet`
 * are the same model.
 */
export function aliasOf(name: string): string {
  return name.toLowerCase().replaceAll('.', '-');
}
