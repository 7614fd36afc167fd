import type { ContentPart } from '../wire/chat.js';

/** Bytes that stand in the request itself, base64, with their type as the bytes show it. */
export interface InlineMedia {
  readonly kind: 'inline';
  /** `image/png` */
  readonly type: string;
  readonly data: string;
}

/** Something at an address; the gateway never goes there. */
interface RemoteMedia {
  readonly kind: 'remote';
  readonly url: string;
  /** As the name or the kind of part tells; undefined where nothing does. */
  readonly type: string | undefined;
}

export type Media = InlineMedia | RemoteMedia;

const DATA_URL = /^data:([^;,]*)((?:;[^;,]*)*),/i;
const AUDIO_TYPES: ReadonlyMap<string, string> = new Map([
  ['mp3', 'audio/mp3'],
  ['mpeg', 'audio/mp3'],
  ['m4a', 'audio/m4a'],
]);
const TYPES_BY_ENDING: ReadonlyMap<string, string> = new Map([
  ['pdf', 'application/pdf'],
  ['png', 'image/png'],
  ['jpg', 'image/jpeg'],
  ['jpeg', 'image/jpeg'],
  ['gif', 'image/gif'],
  ['webp', 'image/webp'],
  ['txt', 'text/plain'],
  ['mp4', 'video/mp4'],
]);
/** How the bytes of a type begin, in base64 or as a test of the decoded head. */
const MAGIC: readonly { readonly type: string; matches(head: Buffer): boolean }[] = [
  { type: 'image/png', matches: (head) => head.subarray(0, 4).equals(Buffer.from([0x89, 0x50, 0x4e, 0x47])) },
  { type: 'image/jpeg', matches: (head) => head.subarray(0, 3).equals(Buffer.from([0xff, 0xd8, 0xff])) },
  { type: 'image/gif', matches: (head) => head.subarray(0, 4).toString('latin1') === 'GIF8' },
  {
    type: 'image/webp',
    matches: (head) => head.toString('latin1', 0, 4) === 'RIFF' && head.toString('latin1', 8, 12) === 'WEBP',
  },
  { type: 'application/pdf', matches: (head) => head.toString('latin1', 0, 5) === '%PDF-' },
];
const HEAD_CHARACTERS = 24;

/** What a part carries besides text; undefined for text and for files that only have a provider's id. */
export function mediaOf(part: ContentPart): Media | undefined {
  switch (part.type) {
    case 'text':
      return undefined;
    case 'image_url':
      return parseMedia(part.image_url.url, undefined);
    case 'video_url':
      return parseMedia(part.video_url.url, undefined);
    case 'input_audio':
      return {
        kind: 'inline',
        type:
          AUDIO_TYPES.get(part.input_audio.format.toLowerCase()) ?? `audio/${part.input_audio.format.toLowerCase()}`,
        data: part.input_audio.data,
      };
    case 'file':
      return part.file.file_data === undefined ? undefined : parseMedia(part.file.file_data, part.file.filename);
    default:
      return part satisfies never;
  }
}

/** The text of a file whose bytes are text. */
export function textOf({ data }: InlineMedia): string {
  return Buffer.from(data, 'base64').toString('utf8');
}

/** Bytes of inline media, without decoding them. */
export function bytesOf({ data }: InlineMedia): number {
  const padding = data.endsWith('==') ? 2 : data.endsWith('=') ? 1 : 0;
  return (data.length / 4) * 3 - padding;
}

function parseMedia(url: string, filename: string | undefined): Media {
  const match = DATA_URL.exec(url);
  if (match === null) return { kind: 'remote', url, type: typeOfName(filename ?? pathOf(url)) };
  const declared = (match[1] ?? '').trim().toLowerCase();
  const body = url.slice(match[0].length);
  const data = /;base64$/i.test(match[2] ?? '') ? body : percentDecoded(body).toString('base64');
  const type = sniff(data) ?? (declared === '' ? (typeOfName(filename) ?? 'text/plain') : declared);
  return { kind: 'inline', type, data };
}

/** The bytes of percent-encoded data, which need not be text. */
function percentDecoded(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8').toString('latin1');
  const decoded = bytes.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(decoded, 'latin1');
}

/** The type that the first bytes show, whatever was declared. */
function sniff(data: string): string | undefined {
  const head = Buffer.from(data.slice(0, HEAD_CHARACTERS), 'base64');
  return MAGIC.find(({ matches }) => matches(head))?.type;
}

function pathOf(url: string): string {
  return url.split(/[?#]/, 1)[0] ?? '';
}

function typeOfName(name: string | undefined): string | undefined {
  return name === undefined ? undefined : TYPES_BY_ENDING.get(name.slice(name.lastIndexOf('.') + 1).toLowerCase());
}
