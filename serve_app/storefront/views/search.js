// Search by meaning, while one types.

import { el } from "../../page-parts/element.js";
import { Grid } from "../grid.js";
import { heading, itemsHead } from "../../page-parts/router.js";

const MOST = 24;

export async function searchView(shop, { query, signal }) {
  const words = query.get("q") ?? "";
  const input = document.getElementById("search");
  if (document.activeElement !== input) input.value = words;
  if (!words) return { title: "Search", content: [heading("Search"), el("p", { class: "lead", text: "Say what you look for, in your own words." })] };
  const found = await shop.api.post("v1/search", { text: words, n: MOST }, { signal });
  const grid = new Grid(shop, "Results");
  const byMeaning = () => showAnswer(shop, grid, found, signal);
  const mine = async () => showAnswer(shop, grid, await inMyOrder(shop, found, signal), signal);
  await byMeaning();
  shop.announcer.say(`${found.items.length} results for ${words}`);
  return { title: words, content: [heading(`Results for “${words}”`), order(byMeaning, mine), itemsHead(), grid.element] };
}

async function showAnswer(shop, grid, answer, signal) {
  const items = await shop.catalog.items(answer.items.map((one) => one.item_id), { signal });
  grid.show(answer, items);
}

/** The same items in the shopper's order, with reasons. */
function inMyOrder(shop, found, signal) {
  const ids = found.items.map((one) => one.item_id);
  return shop.api.post("v1/rank", { user_id: shop.shopper.userId, item_ids: ids, explain: true }, { signal });
}

function order(byMeaning, mine) {
  const choose = (event) => void (event.target.value === "mine" ? mine() : byMeaning());
  return el(
    "p",
    { class: "order" },
    el("label", { for: "order", text: "Order " }),
    el(
      "select",
      { id: "order", on: { change: choose } },
      el("option", { value: "meaning", text: "Nearest to your words" }),
      el("option", { value: "mine", text: "Your taste first" }),
    ),
  );
}
