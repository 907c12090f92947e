// The shopper's own list: asked again after each thing the shopper does, and compared with what it was.

import { movement } from "./movement.js";

const LENGTH = 12;

export class ForYou extends EventTarget {
  #api;
  #shopper;
  #asked = 0;
  #latest = null;

  constructor(api, shopper) {
    super();
    this.#api = api;
    this.#shopper = shopper;
    this.#forget();
    shopper.addEventListener("change", () => {
      this.#forget();
      void this.ask();
    });
  }

  /** The list, asked for now if it never was. */
  async first() {
    if (!this.answer) await (this.#latest ?? this.ask());
    return this.answer;
  }

  /** Ask again; of several questions under way the last one counts. */
  ask() {
    const number = ++this.#asked;
    const asking = this.#ask(number).finally(() => {
      if (number === this.#asked) this.#latest = null;
    });
    this.#latest = asking;
    return asking;
  }

  async #ask(number) {
    const start = performance.now();
    try {
      const body = { user_id: this.#shopper.userId, scenario: "home", n: LENGTH };
      const answer = await this.#api.recommend(body);
      if (number === this.#asked) this.#take(answer, performance.now() - start);
    } catch (error) {
      if (number === this.#asked) this.#fail(error);
    }
  }

  #take(answer, tookMs) {
    const ids = answer.items.map((item) => item.item_id);
    this.movement = this.answer && movement(this.answer.items.map((item) => item.item_id), ids);
    Object.assign(this, { answer, tookMs, error: null });
    this.dispatchEvent(new Event("change"));
  }

  #fail(error) {
    this.error = error;
    this.dispatchEvent(new Event("change"));
  }

  #forget() {
    this.#asked += 1;
    /** The answer of `/v1/recommend`. @type {any} */
    this.answer = null;
    /** Against the answer before; null for a first one. @type {import("./movement.js").Movement | null} */
    this.movement = null;
    this.error = null;
    this.tookMs = 0;
  }
}
