const OPEN = '<think>';
const CLOSE = '</think>';

/** A piece of content, told apart. */
export interface ThoughtOrText {
  readonly thought: string;
  readonly text: string;
}

/**
 * Tells reasoning from text in content that begins with `<think>`, across the borders of pieces. Tags later in the text
 * are text.
 */
export class ThinkTags {
  #state: 'start' | 'inside' | 'after' = 'start';
  #held = '';
  /** Only blanks have come since the closing tag. */
  #blanks = false;

  push(piece: string): ThoughtOrText {
    if (this.#state === 'after') return { thought: '', text: this.#begun(piece) };
    const content = this.#held + piece;
    this.#held = '';
    if (this.#state === 'inside') return this.#inside(content);
    const begin = content.trimStart();
    if (begin.startsWith(OPEN)) {
      this.#state = 'inside';
      return this.#inside(begin.slice(OPEN.length));
    }
    if (OPEN.startsWith(begin)) {
      this.#held = content;
      return { thought: '', text: '' };
    }
    this.#state = 'after';
    return { thought: '', text: content };
  }

  /** What is still held back at the end. */
  end(): ThoughtOrText {
    const held = this.#held;
    this.#held = '';
    return this.#state === 'inside' ? { thought: held, text: '' } : { thought: '', text: held };
  }

  /** Text without the blanks between the closing tag and its beginning. */
  #begun(text: string): string {
    if (!this.#blanks) return text;
    const begun = text.trimStart();
    this.#blanks = begun === '';
    return begun;
  }

  #inside(content: string): ThoughtOrText {
    const end = content.indexOf(CLOSE);
    if (end >= 0) {
      this.#state = 'after';
      this.#blanks = true;
      return { thought: content.slice(0, end), text: this.#begun(content.slice(end + CLOSE.length)) };
    }
    const kept = partialEnd(content);
    this.#held = content.slice(content.length - kept);
    return { thought: content.slice(0, content.length - kept), text: '' };
  }
}

/** Characters at the end that may be the beginning of the closing tag. */
function partialEnd(content: string): number {
  for (let length = Math.min(CLOSE.length - 1, content.length); length > 0; length -= 1) {
    if (CLOSE.startsWith(content.slice(content.length - length))) return length;
  }
  return 0;
}
