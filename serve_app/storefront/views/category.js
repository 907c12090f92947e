// One category in the shopper's own order.

import { el } from "../../page-parts/element.js";
import { Grid } from "../grid.js";
import { heading, itemsHead } from "../../page-parts/router.js";
import { categoryLink } from "./home.js";

const STEP = 24;

export async function categoryView(shop, { rest: category, signal }) {
  const categories = await shop.catalog.categories();
  const here = categories.find((one) => one.category === category);
  if (!here) throw Object.assign(new Error("There is no such category."), { status: 404 });
  const grid = new Grid(shop, here.name);
  const more = el("button", { class: "button", type: "button", text: "Show more" });
  let wanted = 0;
  const ask = async () => {
    wanted += STEP;
    const answer = await shop.api.recommend(request(shop, category, wanted), { signal });
    grid.show(answer, await shop.catalog.items(answer.items.map((one) => one.item_id), { signal }));
    more.hidden = answer.items.length < wanted || wanted >= here.items;
  };
  more.addEventListener("click", () => void ask());
  await ask();
  const count = el("p", { class: "lead", text: `${here.items} items, in the order that suits ${shop.shopper.name}.` });
  return { title: here.name, content: [path(categories, here), heading(here.name), count, inside(categories, here), itemsHead(), grid.element, more] };
}

function request(shop, category, n) {
  const filter = { field: "category", op: "under", value: category };
  return { user_id: shop.shopper.userId, category, filter, n, include_seen: true };
}

/** The way to a category. */
export function path(categories, here) {
  const steps = [];
  for (let one = here; one; one = categories.find(({ category }) => category === one.parent)) steps.unshift(one);
  const links = steps.map((one) => el("li", {}, categoryLink(one)));
  return el("nav", { "aria-label": "Path" }, el("ol", { class: "path", role: "list" }, el("li", {}, el("a", { href: "#/", text: "Start" })), ...links));
}

function inside(categories, here) {
  const children = categories.filter((one) => one.parent === here.category);
  if (!children.length) return "";
  const links = children.map((one) => el("li", {}, categoryLink(one)));
  return el("nav", { "aria-label": "In this category" }, el("ul", { class: "chips", role: "list" }, ...links));
}
