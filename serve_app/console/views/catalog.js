// The catalog, page by page.

import { el } from "../../page-parts/element.js";
import { heading } from "../../page-parts/router.js";
import { number } from "../format.js";
import { address, asking, field, pager } from "../pages.js";
import { badge, table } from "../table.js";

const LIMIT = 50;

export async function view(desk, { query, signal }) {
  const asked = Object.fromEntries(["text", "category", "after"].map((name) => [name, query.get(name) ?? ""]).filter(([, value]) => value));
  const page = await desk.api.get(`v1/catalog?${new URLSearchParams({ ...asked, limit: LIMIT })}`, { signal });
  const form = asking(desk, "/catalog", [field("text", "In title or id", asked.text), field("category", "Category", asked.category)], "Find");
  const rows = page.items.map((one) => [
    el("span", { class: "item-cell" }, el("a", { href: address("/why", { item: one.item_id }), text: one.title }), el("span", { class: "small", text: one.item_id })),
    one.category ? el("a", { href: address("/catalog", { category: one.category }), text: one.category }) : "–",
    one.brand ?? "–",
    price(one),
    one.available ? badge("available", "ok") : badge("not available", "warn"),
  ]);
  const next = page.next && { after: page.next };
  return {
    title: "Catalog",
    content: [heading("Catalog"), el("p", { class: "lead", text: `${number(page.total)} items in all.` }), form, table("Items", ["Item", "Category", "Brand", "#Price", "State"], rows, "No such item."), pager("/catalog", asked, next, !asked.after) ?? ""],
  };
}

function price({ price_minor: minor, currency }) {
  if (minor === null) return "–";
  if (!currency) return (minor / 100).toFixed(2);
  try {
    const format = new Intl.NumberFormat("en", { style: "currency", currency });
    return format.format(minor / 10 ** format.resolvedOptions().maximumFractionDigits);
  } catch {
    return `${minor} ${currency}`;
  }
}
