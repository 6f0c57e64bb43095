/** Counts the pages of a text document while it is read, by the page breaks that are noted in it. */
export class PageCounter {
  page = 1;
  #hasBegun = false;
  #isDue = false;

  /** A block begins. */
  beginBlock(startsPage: boolean): void {
    if (this.#hasBegun && (startsPage || this.#isDue)) this.page++;
    this.#hasBegun = true;
    this.#isDue = false;
  }

  /** A page ends where the layout of the document ends it; all that is written from here on is on the next. */
  turn(pages = 1): void {
    this.page += pages;
    this.#hasBegun = true;
  }

  /** The next block begins a page. */
  turnBeforeNext(): void {
    this.#isDue = true;
  }
}
