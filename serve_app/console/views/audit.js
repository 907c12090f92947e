// Who decided what, and when.

import { el } from "../../page-parts/element.js";
import { heading } from "../../page-parts/router.js";
import { moment } from "../format.js";
import { pager } from "../pages.js";
import { table } from "../table.js";

const LIMIT = 50;

export async function view(desk, { query, signal }) {
  const before = query.get("before") ?? "";
  const entries = await desk.api.get(`v1/audit?${new URLSearchParams({ limit: LIMIT, ...(before && { before }) })}`, { signal });
  const rows = entries.map((one) => [
    moment(one.at),
    one.actor,
    one.action,
    `${one.kind} ${one.name}`,
    el("details", {}, el("summary", { text: "Before and after" }), el("pre", { tabindex: 0, text: `${JSON.stringify(one.before, null, 1)}\n→\n${JSON.stringify(one.after, null, 1)}` })),
    one.note || "–",
  ]);
  const next = entries.length === LIMIT && { before: entries.at(-1).seq };
  return { title: "Audit", content: [heading("Audit"), el("p", { class: "lead", text: "Every change of a decision, and every version that was published by hand." }), table("Changes", ["When (UTC)", "Who", "Did", "What", "Change", "Note"], rows, "Nothing was decided yet."), pager("/audit", { before }, next, !before) ?? ""] };
}
