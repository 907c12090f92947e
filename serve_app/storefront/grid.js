// A list of cards that keeps its elements while their order changes, so that one sees them move and the
// focus stays where it is.

import { card, mark } from "./card.js";
import { el } from "../page-parts/element.js";

const MOVE_MS = 450;

export class Grid {
  #shop;
  #build;
  #cards = new Map();

  /** @param {any} shop @param {string} label @param {typeof card} [build] Makes the element of one item. */
  constructor(shop, label, build = card) {
    this.#shop = shop;
    this.#build = build;
    this.element = el("ul", { class: "grid", role: "list", "aria-label": label });
  }

  /**
   * Show an answer's items in their order.
   *
   * @param {any} answer Of `/v1/recommend` and its like. @param {Map<string, any>} items Catalog items by id.
   * @param {import("./movement.js").Movement | null} [movement]
   */
  show(answer, items, movement = null) {
    const focused = this.#focused();
    const before = this.#places();
    const kept = new Map();
    answer.items.forEach((entry, place) => {
      const shown = { recommendationId: answer.recommendation_id, position: place + 1 };
      kept.set(entry.item_id, this.#cell(entry, items.get(entry.item_id) ?? {}, shown));
      mark(kept.get(entry.item_id).element, entry, movement?.moves.get(entry.item_id));
    });
    this.#cards.forEach((cell, id) => kept.has(id) || cell.stop());
    this.#cards = kept;
    this.element.replaceChildren(...[...kept.values()].map((cell) => cell.element));
    this.#moveFrom(before);
    this.#refocus(focused);
  }

  #cell(entry, item, shown) {
    const known = this.#cards.get(entry.item_id);
    known?.stop();
    // What its buttons tell of the answer must be this answer's.
    const details = known?.details ?? {};
    Object.assign(details, shown);
    const element = known?.element ?? el("li", {}, this.#build(this.#shop, entry, item, details));
    const stop = this.#shop.tag.observe(element, entry.item_id, { ...shown });
    return { element, details, stop };
  }

  #places() {
    return new Map([...this.#cards].map(([id, { element }]) => [id, element.getBoundingClientRect()]));
  }

  /** Begin where each card was and let it go to where it is. */
  #moveFrom(before) {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    const options = { duration: MOVE_MS, easing: "cubic-bezier(.2,.7,.2,1)" };
    for (const [id, { element }] of this.#cards) {
      const [old, now] = [before.get(id), element.getBoundingClientRect()];
      if (before.size && !old) element.animate([{ opacity: 0, scale: 0.96 }, { opacity: 1, scale: 1 }], options);
      if (!old || !old.width || (old.left === now.left && old.top === now.top)) continue;
      element.animate(
        [{ transform: `translate(${old.left - now.left}px, ${old.top - now.top}px)` }, { transform: "none" }],
        options,
      );
    }
  }

  /** Which control has the focus: its card, its place among the card's controls. */
  #focused() {
    const active = document.activeElement;
    if (!this.element.contains(active)) return null;
    const cards = [...this.element.children];
    const place = cards.findIndex((one) => one.contains(active));
    return { active, place, control: controlsOf(cards[place]).indexOf(active) };
  }

  /** Moving an element takes the focus from it; where its card has left, the next one gets it. */
  #refocus(focused) {
    if (!focused) return;
    const { active, place, control } = focused;
    if (this.element.contains(active)) return void active.focus({ preventScroll: true });
    const next = this.element.children[Math.min(place, this.element.children.length - 1)];
    (next ? (controlsOf(next)[control] ?? controlsOf(next)[0]) : document.querySelector("h1"))?.focus();
  }
}

function controlsOf(element) {
  return [...element.querySelectorAll("a, button")];
}
