// What imports refused, with reasons.

import { el } from "../../page-parts/element.js";
import { heading } from "../../page-parts/router.js";
import { moment, number } from "../format.js";
import { pager, pathTo } from "../pages.js";
import { table } from "../table.js";

const FILES = 20;
const ROWS = 50;

export async function view(desk, { rest: name, query, signal }) {
  const offset = Number(query.get("offset")) || 0;
  return name ? rows(desk, name, offset, signal) : files(desk, offset, signal);
}

async function files(desk, offset, signal) {
  const page = await desk.api.get(`v1/quarantine?offset=${offset}&limit=${FILES}`, { signal });
  const told = page.files.map((one) => [
    el("a", { href: `#${pathTo("quarantine", one.name)}`, text: one.name }),
    one.kind,
    number(one.rows),
    Object.entries(one.reasons).map(([reason, count]) => `${reason.replaceAll("_", " ")} ${number(count)}`).join(", "),
    moment(one.refused_at),
  ]);
  const next = offset + FILES < page.total && { offset: offset + FILES };
  const lead = el("p", { class: "lead", text: "Rows that an import did not take. The rest of each file is in the catalog or the log." });
  return { title: "Quarantine", content: [heading("Quarantine"), lead, table("Files of refused rows", ["File", "Kind", "#Rows", "Reasons", "Refused (UTC)"], told, "No import has refused anything."), pager("/quarantine", { offset }, next, !offset) ?? ""] };
}

async function rows(desk, name, offset, signal) {
  const page = await desk.api.get(`v1/quarantine/${encodeURIComponent(name)}?offset=${offset}&limit=${ROWS}`, { signal });
  const told = page.rows.map((one) => [one.file, one.row ?? "whole file", one.reason.replaceAll("_", " "), one.detail, el("code", { text: one.raw ?? "–" })]);
  const next = offset + ROWS < page.total && { offset: offset + ROWS };
  const path = pathTo("quarantine", name);
  return { title: name, content: [heading(name), el("p", { class: "lead", text: `${number(page.total)} refused rows.` }), table("Refused rows", ["File", "#Row", "Reason", "Expected and found", "The row"], told), pager(path, { offset }, next, !offset) ?? ""] };
}
