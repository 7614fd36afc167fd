import type { ReasoningDetail } from '../../wire/chat.js';
import { isRecord, type JsonRecord } from '../json.js';

/** What a `content` field holds. */
export interface ReadContent {
  readonly text: string;
  /** Mistral's `thinking` parts. */
  readonly thinking: string;
}

const EMPTY: ReadContent = { text: '', thinking: '' };

/** Reads a `content` field, which the family writes as a string or as a list of parts. */
export function readContent(content: unknown): ReadContent {
  if (typeof content === 'string') return { text: content, thinking: '' };
  if (!Array.isArray(content)) return EMPTY;
  let text = '';
  let thinking = '';
  for (const part of content.filter(isRecord)) {
    if (part['type'] === 'thinking') thinking += readContent(part['thinking']).text;
    else if (typeof part['text'] === 'string') text += part['text'];
  }
  return { text, thinking };
}

/** Reasoning text under either of its names; a text that is given under both counts once. */
export function readReasoning(message: JsonRecord): string {
  const { reasoning, reasoning_content: alias } = message;
  if (typeof reasoning === 'string' && reasoning !== '') return reasoning;
  return typeof alias === 'string' ? alias : '';
}

/** OpenRouter's structured reasoning, each entry with an index. */
export function readReasoningDetails(message: JsonRecord): readonly ReasoningDetail[] {
  const details = message['reasoning_details'];
  if (!Array.isArray(details)) return [];
  return details
    .filter((entry): entry is JsonRecord & { type: string } => isRecord(entry) && typeof entry['type'] === 'string')
    .map((entry, position) => ({
      ...entry,
      index: Number.isInteger(entry['index']) ? Number(entry['index']) : position,
    }));
}

/** URL citations; a missing title becomes the URL, because clients insist on a title. */
export function readAnnotations(message: JsonRecord): readonly JsonRecord[] {
  return readRecords(message, 'annotations').map((annotation) => {
    const citation = annotation['url_citation'];
    if (!isRecord(citation) || typeof citation['title'] === 'string') return annotation;
    return { ...annotation, url_citation: { ...citation, title: citation['url'] } };
  });
}

/**
 * Sources that stand beside the choices: `search_results` with titles, else `citations`, a list of URLs. They belong to
 * no span of the text.
 */
export function readCitations(body: JsonRecord): readonly JsonRecord[] {
  const results = readRecords(body, 'search_results');
  const urls = Array.isArray(body['citations']) ? body['citations'] : [];
  const sources = results.length > 0 ? results : urls.map((url: unknown) => ({ url }));
  return sources.flatMap(({ url, title }: { readonly url?: unknown; readonly title?: unknown }) => {
    if (typeof url !== 'string' || url === '') return [];
    const citation = { url, title: typeof title === 'string' ? title : url, start_index: 0, end_index: 0 };
    return [{ type: 'url_citation', url_citation: citation }];
  });
}

/** A list of objects under a name, or none. */
export function readRecords(message: JsonRecord, name: string): readonly JsonRecord[] {
  const list = message[name];
  return Array.isArray(list) ? list.filter(isRecord) : [];
}
