// Why this item: a list with everything that made it, what lost its place, and the fate of one item.

import { el } from "../../page-parts/element.js";
import { heading } from "../../page-parts/router.js";
import { number, percent } from "../format.js";
import { address, asking, choice, field } from "../pages.js";
import { believed, named, shopperFields } from "../shopper.js";
import { badge, bar, facts, section, table } from "../table.js";

const BELIEFS = 12;
const WORDS = {
  excluded: "the request excludes it",
  looked_at: "the list is made around it",
  seen: "the shopper has acted on it",
  review: "held back for or by a reviewer",
  request_filter: "the request's filter",
  scenario_filter: "the scenario's filter",
  age: "limited by age",
  region: "limited by region",
  unavailable: "not available",
  room_for_rules: "made room for what rules show",
  arranged: "made room for variety: diversity, calibration, freshness or copies",
  chance: "made room for the place of chance",
  score: "others score higher",
  unknown: "the index does not have it",
};

export async function view(desk, { query, signal }) {
  const asked = Object.fromEntries(["user", "kind", "item", "about", "scenario", "n"].map((name) => [name, query.get(name) ?? ""]));
  const scenarios = await desk.api.get("v1/scenarios", { signal });
  const form = asking(
    desk,
    "/why",
    [
      ...shopperFields("Shopper", asked),
      field("about", "Item looked at now", asked.about),
      choice("scenario", "Scenario", asked.scenario, [["", "default"], ...scenarios.filter((one) => one.name !== "default").map((one) => [one.name, one.name])]),
      field("n", "Items", asked.n || "10", { inputmode: "numeric", pattern: "[0-9]{1,3}" }),
      field("item", "And what became of item", asked.item),
    ],
    "Explain",
  );
  const content = [heading("Why this item"), form];
  if (!query.size) {
    return { title: "Why this item", content: [...content, el("p", { class: "empty", text: "Name a shopper, or leave it empty for somebody who is not known. Nothing that is asked here is logged or counted." })] };
  }
  const [told, profile] = await Promise.all([desk.api.post("v1/explain", body(asked), { signal }), believed(desk, asked, signal)]);
  const parts = [list(told, asked), told.item ? fate(told.item) : null, lost(told.lost, asked), decided(told), beliefs(profile, asked)];
  return { title: asked.user || "Somebody", content: [...content, ...parts.filter(Boolean)] };
}

function body({ item, about, scenario, n, ...who }) {
  const request = { n: Number(n) || 10, ...named(who), ...(about && { item_id: about }), ...(scenario && { scenario }) };
  return { request, ...(item && { item_id: item }) };
}

function list({ answer }, asked) {
  const rows = answer.items.map((one, place) => [place + 1, item(one, asked), one.score.toFixed(3), parts(one.reasons), moved(one)]);
  return section("The list", table("The list with its contributions", ["#Place", "Item", "#Score", "What speaks for it", "Moved by"], rows, "The list is empty."));
}

function item({ item_id: id, title }, asked) {
  return el("span", { class: "item-cell" }, el("a", { href: address("/why", { ...asked, item: id }), text: title ?? id }), el("span", { class: "small", text: id }));
}

/** Contributions with bars: below zero they speak against the item. */
function parts(reasons) {
  const most = Math.max(...reasons.map((one) => Math.abs(one.contribution ?? 0)), 1e-9);
  const row = (one) =>
    el(
      "li",
      {},
      el("span", { text: one.contribution === null ? one.text : `${one.text} ` }),
      one.contribution === null ? null : el("span", { class: "small", text: `${one.contribution.toFixed(3)}${one.share === null || one.contribution < 0 ? "" : `, ${percent(one.share, 0)}`}` }),
      one.contribution === null ? null : bar(Math.abs(one.contribution) / most, one.contribution < 0),
    );
  if (reasons.length <= 3) return el("ul", { class: "parts" }, ...reasons.map(row));
  const more = el("details", {}, el("summary", { text: `${reasons.length - 3} more` }), el("ul", { class: "parts" }, ...reasons.slice(3).map(row)));
  return el("div", {}, el("ul", { class: "parts" }, ...reasons.slice(0, 3).map(row)), more);
}

function moved(one) {
  const said = [...one.rules.map((rule) => `rule ${rule}`), ...one.moved_by, ...(one.propensity === null ? [] : [`chance ${percent(one.propensity)}`])];
  return said.join(", ") || one.sources.join(", ");
}

function fate(one) {
  const where = one.place ? `It stands at place ${one.place}.` : `It is not in the list: ${one.why.map(word).join("; ")}.`;
  const score = one.score === null ? "The shopper's own score does not reach it." : `Its score is ${one.score.toFixed(3)}${one.by_score ? `, place ${one.by_score} by score alone` : ", beyond the first 500 by score alone"}.`;
  return section(`What became of ${one.title ?? one.item_id}`, el("p", { class: "fate", text: `${where} ${score}` }), one.reasons.length ? parts(one.reasons) : null);
}

function lost(fates, asked) {
  const rows = fates.map((one) => [one.by_score, item(one, asked), one.score.toFixed(3), one.why.map(word).join("; ")]);
  return section("What lost its place", table("Items that the score alone would have listed", ["#By score", "Item", "#Score", "Why"], rows, "Nothing: the list is what the score alone would show, or nothing is known of the shopper."));
}

function word(code) {
  return WORDS[code] ?? code;
}

function decided({ answer, settings, filters, seen, held_back: held }) {
  const rows = filters.map((one) => [one.kind, one.name, el("code", { text: JSON.stringify(one.filter) })]);
  return section(
    "What decided it",
    facts([
      ["Scenario", answer.scenario],
      ["Sources, in order", settings.sources.join(", ")],
      ["Experiment", answer.variant ?? "none"],
      ["Rules applied", answer.applied_rules.join(", ") || "none"],
      ["Rules in conflict", answer.rule_conflicts.join("; ") || "none"],
      ["Left out as seen", settings.include_seen ? "nothing: seen items may be listed" : `${number(seen)} items`],
      ["Held back from everybody", `${number(held)} items`],
      ["Degraded", answer.degraded.join(", ") || "nothing"],
      ["Index", answer.index_version],
    ]),
    table("Filters", ["Kind", "Name", "Filter"], rows, "No filter kept anything out."),
  );
}

function beliefs(profile, { user, kind }) {
  if (!user) return null;
  const strongest = [...(profile?.interests ?? [])].sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight)).slice(0, BELIEFS);
  const most = Math.max(...strongest.map((one) => Math.abs(one.weight)), 1e-9);
  const rows = strongest.map((one) => [one.title ?? one.item_id, one.event_types.map((type) => badge(type)), one.weight.toFixed(2), bar(Math.abs(one.weight) / most, one.weight < 0)]);
  const map = el("p", {}, el("a", { href: address("/map", { user, kind }), text: "See them on the map" }));
  return section("What is believed", table(`Interests of ${user}`, ["Item", "From", "#Weight", "Draws or pushes away"], rows, "Nothing is known about this shopper."), rows.length ? map : null);
}
