// Items that a shopper keeps: the cart, and what was liked. Each shopper has shelves of their own.

export class Shelf extends EventTarget {
  #name;
  #shopper;
  #counts = new Map();

  /** @param {string} name @param {import("./shopper.js").Shopper} shopper */
  constructor(name, shopper) {
    super();
    this.#name = name;
    this.#shopper = shopper;
    this.#load();
    shopper.addEventListener("change", () => this.#load());
    addEventListener("storage", (event) => event.key === this.#key && this.#load());
  }

  /** Item ids, in the order they came. */
  get ids() {
    return [...this.#counts.keys()];
  }

  /** All pieces together. */
  get size() {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  count(id) {
    return this.#counts.get(id) ?? 0;
  }

  /** Set how many of an item there are; none takes it away. */
  set(id, count) {
    if (count > 0) this.#counts.set(id, count);
    else this.#counts.delete(id);
    this.#save();
  }

  clear() {
    this.#counts.clear();
    this.#save();
  }

  get #key() {
    return `store.${this.#name}:${this.#shopper.userId}`;
  }

  #load() {
    this.#counts = new Map(JSON.parse(localStorage.getItem(this.#key) ?? "[]"));
    this.dispatchEvent(new Event("change"));
  }

  #save() {
    localStorage.setItem(this.#key, JSON.stringify([...this.#counts]));
    this.dispatchEvent(new Event("change"));
  }
}
