// What the shopper has liked.

import { el } from "../../page-parts/element.js";
import { Grid } from "../grid.js";
import { heading, itemsHead } from "../../page-parts/router.js";

export async function likedView(shop, { signal }) {
  const ids = shop.liked.ids.reverse();
  const items = await shop.catalog.items(ids, { signal });
  const content = [heading("Liked")];
  if (!items.size) content.push(el("p", { class: "lead", text: "The heart on a card puts things here." }));
  const grid = new Grid(shop, "Liked");
  grid.show({ recommendation_id: undefined, items: [...items.values()].map(({ item_id, title }) => ({ item_id, title })) }, items);
  return { title: "Liked", content: [...content, itemsHead(), grid.element] };
}
