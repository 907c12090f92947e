// The shopper's list beside every other view: small, so that one sees it move at each click.

import { drawn } from "./artwork.js";
import { itemPath, reasonOf } from "./card.js";
import { el } from "../page-parts/element.js";
import { Grid } from "./grid.js";

/** Keeps an aside filled with the list as it is. */
export class Watch {
  #shop;
  #place;
  #grid;

  /** @param {any} shop @param {HTMLElement} place */
  constructor(shop, place) {
    this.#shop = shop;
    this.#place = place;
    shop.forYou.addEventListener("change", () => void this.#show());
    shop.shopper.addEventListener("change", () => this.#begin());
    this.#begin();
  }

  #begin() {
    this.#grid = new Grid(this.#shop, "For you now", row);
    this.#grid.element.classList.replace("grid", "rows");
    const head = el("h2", { id: "watch-head", text: "For you now" });
    this.#place.replaceChildren(head, this.#grid.element);
  }

  async #show() {
    const { answer, movement } = this.#shop.forYou;
    if (!answer) return;
    const items = await this.#shop.catalog.items(answer.items.map((one) => one.item_id)).catch(() => new Map());
    if (answer === this.#shop.forYou.answer) this.#grid.show(answer, items, movement);
  }
}

function row(shop, entry, item, shown) {
  const open = () => shop.tag.track("click", entry.item_id, shown);
  const title = item.title ?? entry.title ?? entry.item_id;
  return el(
    "div",
    { class: "row" },
    el("span", { class: "thumb" }, drawn({ ...item, item_id: entry.item_id })),
    el(
      "span",
      { class: "row-text" },
      el("a", { href: itemPath(entry.item_id), text: title, on: { click: open } }),
      el("span", { class: "reason", text: reasonOf(entry) }),
    ),
    el("span", { class: "marks" }),
  );
}
