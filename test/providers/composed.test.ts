import { anthropicSamples, geminiSamples, openAiSamples } from './composed.js';
import { describeProvider, type Sample } from './describe-provider.js';
import { type Subject, subjects } from './families.js';

const samples = new Map<string, readonly Sample[]>([
  ['Anthropic', anthropicSamples],
  ['Gemini', geminiSamples],
  ['OpenAI family', openAiSamples],
]);

const tried: Readonly<Record<string, Subject | undefined>> = {
  anthropic: subjects['anthropic'],
  google: subjects['google'],
  openai: subjects['openai'],
  mistral: subjects['mistral'],
};

for (const [name, subject] of Object.entries(tried)) {
  if (subject !== undefined) describeProvider(name, subject, samples.get(subject.family.name) ?? []);
}
