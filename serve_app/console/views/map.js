// The catalog's embedding space on a plane, and where a shopper's interests lie in it.

import { el } from "../../page-parts/element.js";
import { heading } from "../../page-parts/router.js";
import { number, percent } from "../format.js";
import { address, asking } from "../pages.js";
import { Scatter } from "../scatter.js";
import { believed, shopperFields } from "../shopper.js";
import { bar, section, table } from "../table.js";

const PAGE = 5000;

export async function view(desk, { query, signal }) {
  const who = { user: query.get("user") ?? "", kind: query.get("kind") ?? "" };
  const form = asking(desk, "/map", shopperFields("Interests of shopper", who), "Show");
  const head = [heading("Map of the catalog"), form];
  const [points, profile] = await Promise.all([drawn(desk, signal), believed(desk, who, signal)]);
  if (!points) {
    return { title: "Map", content: [...head, el("p", { class: "empty", text: "This version was not drawn yet: `recsys map` does it, and the feedback loop for what it publishes." })] };
  }
  const interests = (profile?.interests ?? []).filter((one) => points.place.has(one.item_id));
  const about = el("p", { id: "map-about", class: "lead", role: "status", text: "Point at an item, or walk with the arrow keys." });
  const show = (place) => void told(desk, points, place, about, signal);
  const scatter = new Scatter(points, interests.map((one) => ({ place: points.place.get(one.item_id), weight: one.weight })), show);
  signal.addEventListener("abort", () => scatter.end());
  const said = `${number(points.item_id.length)} of ${number(points.items)} items of ${points.index_version}. Items that are alike lie close together: of an item's ten nearest here, ${percent(points.agreement)} are among its ten nearest by all dimensions. Axes and long distances mean nothing.`;
  const content = [...head, el("p", { class: "small", text: said }), about, scatter.element, legend(points, scatter)];
  return { title: "Map", content: [...content, ...(who.user ? [held(who.user, profile, interests, points)] : [])] };
}

/** Every page of points, or null where there is no map. */
async function drawn(desk, signal) {
  try {
    const first = await desk.api.get(`v1/index/map?limit=${PAGE}`, { signal });
    for (let offset = PAGE; offset < first.points; offset += PAGE) {
      const more = await desk.api.get(`v1/index/map?offset=${offset}&limit=${PAGE}`, { signal });
      for (const column of ["item_id", "x", "y", "category"]) first[column].push(...more[column]);
    }
    return { ...first, place: new Map(first.item_id.map((id, place) => [id, place])) };
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}

async function told(desk, points, place, about, signal) {
  const id = points.item_id[place];
  const category = points.categories[points.category[place]];
  const page = await desk.api.get(`v1/catalog?${new URLSearchParams({ item_id: id })}`, { signal }).catch(() => ({ items: [] }));
  about.replaceChildren(el("a", { href: address("/why", { item: id }), text: page.items[0]?.title ?? id }), ` (${category}, ${id})`);
}

/** Categories as switches; none pressed shows all. */
function legend(points, scatter) {
  const chosen = new Set();
  const one = (name, number) => {
    const swatch = el("span", { class: "swatch", "aria-hidden": true });
    swatch.style.setProperty("--hue", String(scatter.hue(number)));
    const press = (event) => {
      const button = event.currentTarget;
      const isOn = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(isOn));
      isOn ? chosen.add(number) : chosen.delete(number);
      scatter.only(chosen);
    };
    return el("button", { class: "chip", type: "button", "aria-pressed": "false", on: { click: press } }, swatch, name);
  };
  return el("div", { class: "chips", role: "group", "aria-label": "Show only these categories" }, ...points.categories.map(one));
}

function held(user, profile, interests, points) {
  const most = Math.max(...interests.map((one) => Math.abs(one.weight)), 1e-9);
  const rows = interests.map((one) => [one.title ?? one.item_id, points.categories[points.category[points.place.get(one.item_id)]], one.weight.toFixed(2), bar(Math.abs(one.weight) / most, one.weight < 0)]);
  const missing = (profile?.interests.length ?? 0) - interests.length;
  const note = missing ? el("p", { class: "small", text: `${missing} more are of items that the map does not have.` }) : null;
  return section(`Interests of ${user}`, table(`Interests of ${user}`, ["Item", "Category", "#Weight", "Draws or pushes away"], rows, "Nothing is known about this shopper."), note);
}
