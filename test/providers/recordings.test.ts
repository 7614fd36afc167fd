import { describe } from 'vitest';
import { describeProvider } from './describe-provider.js';
import { subjects } from './families.js';
import { recorded, recordedStreams } from './recordings.js';

describe.skipIf(!recorded)('recorded streams (skipped where the recordings are absent)', () => {
  for (const [name, subject] of Object.entries(subjects)) describeProvider(name, subject, recordedStreams(name));
});
