// The cart, and what goes with it.

import { artwork } from "../artwork.js";
import { iconButton, isTogether, itemPath, togetherFirst } from "../card.js";
import { el, ICONS } from "../../page-parts/element.js";
import { Grid } from "../grid.js";
import { price, total } from "../money.js";
import { heading } from "../../page-parts/router.js";

const BESIDE = 6;

export async function cartView(shop, { signal }) {
  const lines = el("div");
  const beside = el("div");
  const show = async () => {
    const items = [...(await shop.catalog.items(shop.cart.ids, { signal })).values()];
    keepFocus(lines, () => lines.replaceChildren(...cartLines(shop, items)));
    beside.replaceChildren(await complements(shop, signal));
  };
  shop.cart.addEventListener("change", () => void show().catch(() => {}), { signal });
  await show();
  return { title: "Cart", content: [heading("Cart"), lines, beside] };
}

function cartLines(shop, items) {
  if (!items.length) return [el("p", { class: "lead", text: "Nothing in it yet." }), el("p", {}, el("a", { class: "button", href: "#/", text: "See what is for you" }))];
  const sum = total(items, (id) => shop.cart.count(id));
  return [
    el("ul", { class: "lines", role: "list" }, ...items.map((item) => line(shop, item))),
    el(
      "div",
      { class: "sum" },
      el("p", {}, "Together ", el("strong", { text: sum || `${shop.cart.size} items` })),
      el("button", { class: "button primary", type: "button", text: "Buy", on: { click: () => void shop.buy() } }),
    ),
  ];
}

function line(shop, item) {
  const { item_id: id, title } = item;
  const count = shop.cart.count(id);
  const less = () => (count > 1 ? shop.cart.set(id, count - 1) : void shop.removeFromCart(id, title));
  const more = () => shop.cart.set(id, count + 1);
  return el(
    "li",
    { class: "line" },
    el("span", { class: "thumb" }, artwork(item)),
    el("div", { class: "line-text" }, el("a", { href: itemPath(id), text: title }), el("p", { class: "price", text: price(item) })),
    el(
      "div",
      { class: "count", role: "group", "aria-label": `How many of ${title}` },
      iconButton(`One less of ${title}`, ICONS.minus, less),
      el("span", { text: String(count) }),
      iconButton(`One more of ${title}`, ICONS.plus, more),
      iconButton(`Take ${title} out`, ICONS.away, () => void shop.removeFromCart(id, title)),
    ),
  );
}

async function complements(shop, signal) {
  const ids = shop.cart.ids;
  if (!ids.length) return "";
  const body = { user_id: shop.shopper.userId, cart: ids, scenario: "cart", n: BESIDE };
  const answer = await shop.api.recommend(body, { signal });
  togetherFirst(answer);
  const title = answer.items.some(isTogether) ? "Goes with your cart" : "You may also like";
  const grid = new Grid(shop, title);
  grid.element.classList.add("small-cards");
  grid.show(answer, await shop.catalog.items(answer.items.map((one) => one.item_id), { signal }));
  return el("section", { "aria-labelledby": "beside-head" }, el("h2", { id: "beside-head", text: title }), grid.element);
}

/** The lines are made anew; whoever had the focus on one gets its successor, or the heading. */
function keepFocus(lines, change) {
  const label = lines.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : undefined;
  change();
  if (label === undefined) return;
  const same = [...lines.querySelectorAll("button")].find((one) => one.getAttribute("aria-label") === label);
  (same ?? document.querySelector("main h1"))?.focus();
}
