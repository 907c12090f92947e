// Tables that scroll by themselves where the screen is narrow.

import { el } from "../page-parts/element.js";

/**
 * @param {string} caption What it shows; said to those who do not see it.
 * @param {string[]} head Column titles; one that begins with `#` is of numbers.
 * @param {(Node | string | number | null)[][]} rows
 * @param {string} empty What to say without rows.
 */
export function table(caption, head, rows, empty = "Nothing here.") {
  if (!rows.length) return el("p", { class: "empty", text: empty });
  const isNumber = head.map((one) => one.startsWith("#"));
  const titles = head.map((one, place) => el("th", { scope: "col", class: isNumber[place] && "number", text: one.replace(/^#/, "") }));
  const cells = (row) => row.map((cell, place) => el("td", { class: isNumber[place] && "number" }, content(cell)));
  return el(
    "div",
    { class: "table", role: "region", tabindex: 0, "aria-label": caption },
    el("table", {}, el("caption", { class: "hidden", text: caption }), el("thead", {}, el("tr", {}, ...titles)), el("tbody", {}, ...rows.map((row) => el("tr", {}, ...cells(row))))),
  );
}

/** A list of terms with what is known of them. @param {[string, any][]} pairs */
export function facts(pairs) {
  return el("dl", { class: "facts" }, ...pairs.flatMap(([name, value]) => [el("dt", { text: name }), el("dd", {}, content(value))]));
}

/** A word in a coloured frame; the colour says nothing that the word does not. */
export function badge(text, kind = "") {
  return el("span", { class: `state ${kind}`, text });
}

/** A part of a view with its heading. */
export function section(title, ...content) {
  const id = `head-${title.toLowerCase().replace(/[^a-z0-9]+/g, "-")}`;
  return el("section", { "aria-labelledby": id }, el("h2", { id, text: title }), ...content);
}

/** Bars beside numbers: the share of the largest. */
export function bar(share, against = false) {
  const made = el("span", { class: `bar ${against ? "against" : ""}`, "aria-hidden": true });
  made.style.setProperty("--share", String(Math.max(0, Math.min(1, share))));
  return made;
}

function content(cell) {
  return cell === null || cell === undefined ? "–" : Array.isArray(cell) ? cell.filter((one) => one !== null && one !== undefined) : typeof cell === "number" ? String(cell) : cell;
}
