// Says what has changed to those who do not see it, and shows short notes to those who do.

const NOTE_MS = 4000;

export class Announcer {
  #spoken;
  #note;
  #timer = 0;

  /** @param {HTMLElement} spoken An `aria-live` element. @param {HTMLElement} note Shown for a while. */
  constructor(spoken, note) {
    this.#spoken = spoken;
    this.#note = note;
  }

  /** Have a text read out; the same text again is read again. */
  say(text) {
    this.#spoken.textContent = "";
    requestAnimationFrame(() => (this.#spoken.textContent = text));
  }

  /** Show a text for a while, and have it read out. */
  note(text) {
    this.say(text);
    clearTimeout(this.#timer);
    this.#note.textContent = text;
    this.#note.hidden = false;
    this.#timer = setTimeout(() => (this.#note.hidden = true), NOTE_MS);
  }
}
