/**
 * Takes the echo of a text off the beginning of an answer that comes in pieces. An answer that turns out not to begin
 * with it is given back whole.
 */
export class EchoFilter {
  readonly #echo: string;
  #matched = 0;
  #done: boolean;

  constructor(echo: string) {
    this.#echo = echo;
    this.#done = echo === '';
  }

  /** What of the text is the answer's own. */
  push(text: string): string {
    if (this.#done) return text;
    const expected = this.#echo.slice(this.#matched, this.#matched + text.length);
    if (text === expected) {
      this.#matched += text.length;
      this.#done = this.#matched === this.#echo.length;
      return '';
    }
    const held = this.#matched;
    const begins = text.startsWith(this.#echo.slice(held));
    this.#done = true;
    return begins ? text.slice(this.#echo.length - held) : this.#echo.slice(0, held) + text;
  }

  /** What is still held back of an answer that ended inside the echo. */
  end(): string {
    const held = this.#done ? '' : this.#echo.slice(0, this.#matched);
    this.#done = true;
    return held;
  }
}
