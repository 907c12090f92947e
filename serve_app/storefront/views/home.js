// The start page: the shopper's own list, what everybody takes, and where things are.

import { drawn } from "../artwork.js";
import { el } from "../../page-parts/element.js";
import { Grid } from "../grid.js";
import { heading, itemsHead } from "../../page-parts/router.js";

const POPULAR = 6;
const OFFERED = 4;

export async function homeView(shop, { signal }, picker) {
  const [categories, people] = await Promise.all([shop.catalog.categories(), picker.shoppers(), shop.forYou.first()]);
  if (!shop.forYou.answer && shop.forYou.error) throw shop.forYou.error;
  return { title: "For you", content: [await forYou(shop, people, picker, signal), await popular(shop, signal), sections(categories)] };
}

async function forYou(shop, people, picker, signal) {
  const grid = new Grid(shop, "For you");
  const lead = el("p", { class: "lead" });
  const moved = el("p", { class: "moved" });
  const show = async () => {
    const { answer, movement, error } = shop.forYou;
    lead.textContent = error ? `The list is as it was: ${error.message}` : leadOf(shop);
    if (!answer) return;
    const items = await shop.catalog.items(answer.items.map((one) => one.item_id));
    if (answer !== shop.forYou.answer) return;
    grid.show(answer, items, movement);
    moved.textContent = movedOf(movement);
  };
  shop.forYou.addEventListener("change", () => void show(), { signal });
  await show();
  return el("section", { "aria-label": "For you" }, heading("For you"), lead, offered(shop, people, picker), itemsHead(), moved, grid.element);
}

function leadOf(shop) {
  const { shopper, forYou } = shop;
  const known = forYou.answer?.items.some((one) => one.sources.includes("personal"));
  if (!known) return "What is popular, until we know you. Open, like or add something, and watch this list change.";
  if (shopper.interests.length) return `Chosen for ${shopper.name}, who cares for ${shopper.interests.join(", ").toLowerCase()}.`;
  return `Chosen for ${shopper.name}, by what you did here.`;
}

function movedOf(movement) {
  if (!movement) return "";
  const kinds = [...movement.moves.values()].map((one) => one.kind);
  const count = (kind) => kinds.filter((one) => one === kind).length;
  const [fresh, up, down] = [count("new"), count("up"), count("down")];
  return fresh + up + down ? `Since your last click: ${fresh} new, ${up} up, ${down} down.` : "Your last click left the order as it was.";
}

function offered(shop, people, picker) {
  if (!shop.shopper.isNew || people.length === 0) return null;
  const some = people.slice(0, OFFERED).map((one) => el("li", {}, picker.person(one)));
  return el(
    "div",
    { class: "offered" },
    el("h2", { text: "Or see the shop as somebody with a history" }),
    el("ul", { class: "people", role: "list" }, ...some),
  );
}

async function popular(shop, signal) {
  const mine = shop.forYou.answer.items.map((one) => one.item_id);
  const answer = await shop.api.recommend({ n: POPULAR, exclude: mine }, { signal });
  const items = await shop.catalog.items(answer.items.map((one) => one.item_id), { signal });
  const grid = new Grid(shop, "Popular");
  grid.element.classList.add("small-cards");
  grid.show(answer, items);
  return el("section", { "aria-labelledby": "popular-head" }, el("h2", { id: "popular-head", text: "Popular with everyone" }), grid.element);
}

function sections(categories) {
  const tops = categories.filter((one) => one.parent === null);
  const tiles = tops.map((top) => {
    const inside = categories.filter((one) => one.parent === top.category);
    return el(
      "li",
      { class: "category-tile" },
      el("span", { class: "thumb" }, drawn({ category: inside[0]?.category ?? top.category, item_id: top.category })),
      el("div", {}, el("h3", {}, categoryLink(top)), el("p", {}, ...inside.flatMap((one, place) => [place ? ", " : "", categoryLink(one)]))),
    );
  });
  return el("section", { "aria-labelledby": "categories-head" }, el("h2", { id: "categories-head", text: "Categories" }), el("ul", { class: "categories", role: "list" }, ...tiles));
}

export function categoryLink({ category, name }) {
  return el("a", { href: `#/category/${encodeURIComponent(category)}`, text: name });
}
