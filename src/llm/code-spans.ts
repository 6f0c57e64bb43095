/**
 * Follows Markdown code through a text, one UTF-16 code unit at a time: fenced blocks (three or more backticks or
 * tildes at the start of a line) and inline spans (a run of backticks up to the next run of the same length; CommonMark
 * 0.31, 4.5 and 6.1). An inline span that is never closed ends with its paragraph, so that a stray backtick does not
 * turn the rest of the text into code.
 */
export class CodeSpanTracker {
  #fence: { mark: string; length: number } | undefined;
  #inlineLength = 0;
  #runMark = '';
  #runLength = 0;
  #runStartsLine = false;
  #onlySpaceInLine = true;

  /** True when the next character, unless it is itself a backtick or tilde, stands inside code. */
  get inCode(): boolean {
    // a run that has just ended opens or closes with the next character: ask as if it had come
    const { fence, inlineLength } = this.#afterRun();
    return fence !== undefined || inlineLength > 0;
  }

  /** Takes the next code unit of the text. */
  push(char: string): void {
    if (char === '`' || char === '~') {
      if (this.#runLength > 0 && char !== this.#runMark) this.#endRun();
      if (this.#runLength === 0) this.#runStartsLine = this.#onlySpaceInLine;
      this.#runMark = char;
      this.#runLength++;
      this.#onlySpaceInLine = false;
      return;
    }
    if (this.#runLength > 0) this.#endRun();
    if (char === '\n') {
      // a blank line ends the paragraph, and with it an inline span that was never closed
      if (this.#onlySpaceInLine) this.#inlineLength = 0;
      this.#onlySpaceInLine = true;
    } else if (char !== ' ' && char !== '\t') this.#onlySpaceInLine = false;
  }

  #endRun(): void {
    const { fence, inlineLength } = this.#afterRun();
    this.#fence = fence;
    this.#inlineLength = inlineLength;
    this.#runLength = 0;
  }

  #afterRun(): { fence: { mark: string; length: number } | undefined; inlineLength: number } {
    const [mark, length] = [this.#runMark, this.#runLength];
    const fence = this.#fence;
    const inlineLength = this.#inlineLength;
    if (length === 0) return { fence, inlineLength };
    if (fence !== undefined) {
      const closes = this.#runStartsLine && mark === fence.mark && length >= fence.length;
      return { fence: closes ? undefined : fence, inlineLength };
    }
    if (inlineLength === 0 && this.#runStartsLine && length >= 3)
      return { fence: { mark, length }, inlineLength };
    if (mark !== '`') return { fence, inlineLength };
    if (inlineLength === 0) return { fence, inlineLength: length };
    return { fence, inlineLength: length === inlineLength ? 0 : inlineLength };
  }
}
