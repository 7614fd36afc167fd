/** Sees where a JSON object that comes in pieces ends: behind its last bracket nothing of it can follow. */
export class JsonEnd {
  #depth = 0;
  #inString = false;
  #isEscaped = false;
  #isOver = false;

  /** Where the object ends in this piece, if it ends there. */
  push(piece: string): number | undefined {
    if (this.#isOver) return undefined;
    for (let index = 0; index < piece.length; index += 1) {
      if (!this.#closes(piece.charAt(index))) continue;
      this.#isOver = true;
      return index + 1;
    }
    return undefined;
  }

  #closes(character: string): boolean {
    if (this.#isEscaped) {
      this.#isEscaped = false;
    } else if (this.#inString) {
      if (character === '\\') this.#isEscaped = true;
      else if (character === '"') this.#inString = false;
    } else if (character === '"') {
      this.#inString = true;
    } else if (character === '{' || character === '[') {
      this.#depth += 1;
    } else if (character === '}' || character === ']') {
      this.#depth -= 1;
      return this.#depth <= 0;
    }
    return false;
  }
}
