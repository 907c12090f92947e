// One item in a list.

import { artwork } from "./artwork.js";
import { el, icon, ICONS } from "../page-parts/element.js";
import { price } from "./money.js";
import { markOf } from "./movement.js";

/**
 * @typedef {{item_id: string, title: string | null, sources?: string[], reasons?: {kind: string, text: string}[]}} Entry
 * @typedef {{recommendationId?: string, position?: number}} Shown Which answer showed the item, and where.
 */

const TOGETHER = "Often bought together";

/** A card with picture, price, reason and what one can do. @param {any} shop @param {Entry} entry @param {any} item @param {Shown} shown */
export function card(shop, entry, item, shown) {
  const title = item.title ?? entry.title ?? entry.item_id;
  const open = () => shop.tag.track("click", entry.item_id, shown); // the item's view asks for the list again
  const link = el("a", { class: "card-link", href: itemPath(entry.item_id), text: title, on: { click: open } });
  return el(
    "article",
    { class: "card" },
    artwork({ ...item, item_id: entry.item_id }),
    el("div", { class: "marks" }),
    el(
      "div",
      { class: "card-text" },
      el("h3", {}, link),
      item.brand ? el("p", { class: "brand", text: item.brand }) : null,
      el("p", { class: "price", text: item.available === false ? "Not available now" : price(item) }),
      el("p", { class: "reason" }),
    ),
    el("div", { class: "card-doing" }, ...deeds(shop, entry.item_id, title, item, shown)),
  );
}

/** Put an answer's reason and what has moved onto a card. */
export function mark(element, entry, move) {
  element.querySelector(".reason").textContent = reasonOf(entry);
  const said = move && markOf(move);
  const badge = said && el("span", { class: `badge ${move.kind}`, title: said.label }, said.text);
  const spokenToo = said && el("span", { class: "hidden", text: said.label });
  if (badge) badge.setAttribute("aria-hidden", "true");
  element.querySelector(".marks").replaceChildren(...(said ? [badge, spokenToo] : []));
}

/** Why an item is in a list, in one line that a shopper reads. @param {Entry} entry */
export function reasonOf({ sources = [], reasons = [] }) {
  if (isTogether({ sources })) return reasons.find(({ kind }) => kind === "goes_with")?.text ?? TOGETHER;
  if (sources.includes("buy_again")) return "Time to buy it again?";
  return reasons[0]?.text ?? "";
}

/** Whether an item goes with the cart or the item looked at. @param {{sources?: string[]}} entry */
export function isTogether({ sources = [] }) {
  return sources.includes("complements");
}

/** Put what goes with it first; the rest is what suits the shopper beside it. @param {{items: Entry[]}} answer */
export function togetherFirst({ items }) {
  items.sort((a, b) => Number(isTogether(b)) - Number(isTogether(a)));
}

export function itemPath(id) {
  return `#/item/${encodeURIComponent(id)}`;
}

/** A button that shows a picture only. */
export function iconButton(label, path, click, more = {}) {
  return el("button", { class: "icon-button", type: "button", "aria-label": label, title: label, ...more, on: { click } }, icon(path));
}

/** The heart, which stays filled. */
export function likeButton(shop, id, title, shown) {
  const pressed = () => String(shop.liked.count(id) > 0);
  const button = iconButton(`Like ${title}`, ICONS.heart, () => {
    shop.like(id, title, shown);
    button.setAttribute("aria-pressed", pressed());
  });
  button.classList.add("like");
  button.setAttribute("aria-pressed", pressed());
  return button;
}

function deeds(shop, id, title, item, shown) {
  const away = iconButton(`Not for me: ${title}`, ICONS.away, () => shop.dismiss(id, title, shown));
  const add = iconButton(`Add ${title} to the cart`, ICONS.plus, () => shop.addToCart(id, title, shown));
  add.classList.add("add");
  return [likeButton(shop, id, title, shown), away, item.available === false ? null : add];
}
