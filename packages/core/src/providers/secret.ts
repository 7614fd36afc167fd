/**
 * A credential that cannot be printed by accident: logging, JSON and string conversion show a placeholder. The text
 * comes out where it is used, through `reveal`.
 */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }

  /** `text` with every occurrence of the secret masked, for upstream bodies that echo what they got. */
  mask(text: string): string {
    return this.#text.length < 4 ? text : text.replaceAll(this.#text, '[redacted]');
  }

  toJSON(): string {
    return '[redacted]';
  }

  toString(): string {
    return '[redacted]';
  }
}
