// One item: what it is, what one can do with it, what is like it and what goes with it.

import { artwork } from "../artwork.js";
import { isTogether, likeButton, togetherFirst } from "../card.js";
import { el } from "../../page-parts/element.js";
import { Grid } from "../grid.js";
import { price } from "../money.js";
import { heading } from "../../page-parts/router.js";
import { path } from "./category.js";

const BESIDE = 6;
const STARS = [1, 2, 3, 4, 5];

export async function itemView(shop, { rest: id, signal }) {
  const [item, categories] = await Promise.all([shop.catalog.item(id, { signal }), shop.catalog.categories()]);
  const here = categories.find((one) => one.category === item.category);
  const [alike, together] = await Promise.all([similar(shop, id, signal), goesWith(shop, id, signal)]);
  void shop.act("view", id);
  const way = here ? [path(categories, here)] : [];
  return { title: item.title, content: [...way, el("article", { class: "item" }, artwork(item), about(shop, item)), together, alike] };
}

function about(shop, item) {
  const add = () => shop.addToCart(item.item_id, item.title);
  const away = () => shop.dismiss(item.item_id, item.title);
  const attributes = Object.entries(item.attributes).flatMap(([name, value]) => [el("dt", { text: name }), el("dd", { text: value })]);
  return el(
    "div",
    { class: "about" },
    heading(item.title),
    item.brand ? el("p", { class: "brand", text: item.brand }) : null,
    el("p", { class: "price big", text: price(item) }),
    el("p", { class: "description", text: item.description ?? "" }),
    el(
      "div",
      { class: "doing" },
      item.available
        ? el("button", { class: "button primary", type: "button", text: "Add to cart", on: { click: add } })
        : el("p", { text: "Not available now." }),
      likeButton(shop, item.item_id, item.title, {}),
      el("button", { class: "button", type: "button", text: "Not for me", on: { click: away } }),
    ),
    rating(shop, item),
    attributes.length ? el("dl", { class: "facts" }, ...attributes) : null,
  );
}

/** Stars as radio buttons: arrows choose, and what is chosen is told. */
function rating(shop, item) {
  const star = (stars) => {
    const id = `star-${stars}`;
    const rate = () => shop.rate(item.item_id, item.title, stars);
    const input = el("input", { type: "radio", name: "stars", id, value: stars, on: { change: rate } });
    const label = el("label", { for: id, title: `${stars} of 5` }, el("span", { "aria-hidden": true, text: "★" }), el("span", { class: "hidden", text: `${stars} of 5 stars` }));
    return [input, label];
  };
  return el("fieldset", { class: "stars" }, el("legend", { text: "Rate it" }), ...STARS.flatMap(star));
}

async function similar(shop, id, signal) {
  const answer = await shop.api.post("v1/similar", { item_id: id, n: BESIDE }, { signal }).catch(() => null);
  return listed(shop, answer, "Similar items", "similar", signal);
}

/** What goes with it comes first; without any the list does not say that it does. */
async function goesWith(shop, id, signal) {
  const body = { user_id: shop.shopper.userId, item_id: id, scenario: "cart", n: BESIDE };
  const answer = await shop.api.recommend(body, { signal }).catch(() => null);
  if (!answer) return "";
  togetherFirst(answer);
  const title = answer.items.some(isTogether) ? "Goes with it" : "You may also like";
  return listed(shop, answer, title, "together", signal);
}

async function listed(shop, answer, title, name, signal) {
  if (!answer?.items.length) return "";
  const grid = new Grid(shop, title);
  grid.element.classList.add("small-cards");
  grid.show(answer, await shop.catalog.items(answer.items.map((one) => one.item_id), { signal }));
  return el("section", { "aria-labelledby": `${name}-head` }, el("h2", { id: `${name}-head`, text: title }), grid.element);
}
