// Items that wait for somebody's word, the surest doubts first.

import { el } from "../../page-parts/element.js";
import { heading } from "../../page-parts/router.js";
import { done } from "../confirm.js";
import { moment, percent } from "../format.js";
import { address } from "../pages.js";
import { badge, table } from "../table.js";

const OPEN = ["held", "pending"];
const SHOWN = 50;

export async function view(desk, { query, signal }) {
  const isDecided = query.get("show") === "decided";
  const all = await desk.api.get("v1/reviews", { signal });
  const wanted = all.filter((one) => OPEN.includes(one.body.state) !== isDecided);
  wanted.sort((a, b) => (isDecided ? b.updated_at.localeCompare(a.updated_at) : b.body.score - a.body.score || a.name.localeCompare(b.name)));
  const some = wanted.slice(0, SHOWN);
  const titles = await named(desk, some, signal);
  const tabs = el(
    "p",
    { class: "together" },
    el("a", { class: "button", href: address("/moderation"), "aria-current": !isDecided && "true", text: "Waiting" }),
    el("a", { class: "button", href: address("/moderation", { show: "decided" }), "aria-current": isDecided && "true", text: "Decided" }),
  );
  const lead = el("p", { class: "lead", text: `${wanted.length} ${isDecided ? "decided" : "waiting"}${wanted.length > SHOWN ? `, the first ${SHOWN} shown` : ""}. What is held is not shown to anybody; what is pending is.` });
  const rows = some.map((one) => row(desk, one, titles.get(one.name) ?? one.name, isDecided));
  const empty = isDecided ? "Nothing was decided yet." : "Nothing waits. `recsys moderate scan` judges items that nobody has judged.";
  return { title: "Moderation", content: [heading("Moderation"), tabs, lead, table("Reviews", ["Item", "State", "Policy", "#How sure", "Because of", isDecided ? "Decided (UTC)" : "Decide"], rows, empty)] };
}

function row(desk, { name, body, updated_at: at, updated_by: by }, title, isDecided) {
  const about = el("span", { class: "item-cell" }, el("a", { href: address("/why", { item: name }), text: title }), el("span", { class: "small", text: name }));
  const state = badge(body.state, { approved: "ok", rejected: "bad" }[body.state] ?? "warn");
  const last = isDecided ? `${moment(at)} by ${by}` : el("div", { class: "deeds" }, word(desk, name, title, true), word(desk, name, title, false));
  return [about, state, body.label, percent(body.score, 0), (body.evidence ?? []).join(", ") || "–", last];
}

function word(desk, name, title, approve) {
  const text = approve ? "Approve" : "Reject";
  const act = async () => {
    const said = `${title} is ${approve ? "approved" : "rejected"}.`;
    if (await done(desk, button, () => desk.api.post(`v1/reviews/${encodeURIComponent(name)}`, { approve, note: "console" }), said)) {
      await desk.again();
      document.querySelector("main h1").focus({ preventScroll: true });
    }
  };
  const button = el("button", { class: "button small", type: "button", "aria-label": `${text} ${title}`, text, on: { click: () => void act() } });
  return button;
}

async function named(desk, reviews, signal) {
  if (!reviews.length) return new Map();
  const query = new URLSearchParams(reviews.map((one) => ["item_id", one.name]));
  const page = await desk.api.get(`v1/catalog?${query}`, { signal });
  return new Map(page.items.map((one) => [one.item_id, one.title]));
}
