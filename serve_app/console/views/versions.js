// Index versions: what the gate said, which one answers, and the way there and back.

import { el } from "../../page-parts/element.js";
import { heading } from "../../page-parts/router.js";
import { confirmed, done } from "../confirm.js";
import { moment, number } from "../format.js";
import { pager, pathTo } from "../pages.js";
import { badge, facts, section, table } from "../table.js";

const LIMIT = 20;
const MOST = 50;

export async function view(desk, { rest: name, query, signal }) {
  const before = query.get("before");
  const page = await desk.api.get(`v1/index/versions?${new URLSearchParams({ limit: name ? MOST : LIMIT, ...(before && { before }) })}`, { signal });
  if (name) return one(desk, page, name);
  const content = [heading("Index versions"), el("p", { class: "lead", text: "A version answers when the gate has nothing against it and every replica has loaded it." })];
  const next = page.next && { before: page.next };
  return { title: "Versions", content: [...content, list(page.versions), pager("/versions", before ? { before } : {}, next, !before) ?? ""] };
}

function list(versions) {
  const rows = versions.map((one) => [
    el("a", { href: `#${pathTo("versions", one.index_version)}`, text: one.index_version }),
    states(one),
    moment(one.made?.created_at),
    number(one.made?.item_count),
    one.made?.learned ? "events and texts" : "texts",
    verdict(one),
  ]);
  return table("Index versions", ["Version", "State", "Made (UTC)", "#Items", "Learned from", "The gate"], rows, "There is no version yet. `recsys embed` makes the first.");
}

function states(one) {
  const found = [one.published && badge("answers", "ok"), one.staged && badge("being loaded", "warn"), one.broken && badge("not believed", "bad"), one.refused.length && badge("refused", "bad")];
  return el("span", { class: "together" }, ...found.filter(Boolean), found.some(Boolean) ? null : "stands by");
}

function verdict(one) {
  if (one.broken) return one.broken;
  return [...new Set([...one.refused, ...one.against])].join("; ") || "nothing against it";
}

function one(desk, page, name) {
  const version = page.versions.find((each) => each.index_version === name);
  if (!version) throw Object.assign(new Error("There is no such version."), { status: 404 });
  const { made } = version;
  const content = [heading(name), el("p", {}, states(version)), el("div", { class: "deeds" }, ...deeds(desk, page, version))];
  if (!made) return { title: name, content: [...content, el("p", { class: "problem", text: version.broken })] };
  const about = facts([
    ["Made (UTC)", moment(made.created_at)],
    ["Items", `${number(made.item_count)} in ${made.num_shards} shards, ${made.dim} wide, ${made.storage}, ${made.megabytes.toFixed(1)} MB`],
    ["Learned from events until", made.learned ? moment(made.data_cutoff) : "of texts alone"],
    ["Encoder", made.encoder_version],
    ["Made beside", made.parent_version ?? "nothing"],
    ["Map", version.has_map ? "drawn" : "not drawn"],
  ]);
  const figures = Object.entries(made.metrics).map(([metric, value]) => [metric, value === null ? "no number" : value.toPrecision(4)]);
  const said = [...new Set([...version.refused, ...version.against])];
  return {
    title: name,
    content: [
      ...content,
      about,
      section("What the gate says", said.length ? el("ul", { class: "warnings" }, ...said.map((text) => el("li", { text }))) : el("p", { text: "Nothing against it in the place of the one that answers." })),
      section("Figures at the gate", table("Figures at the gate", ["Figure", "#Value"], figures, "A version of texts alone has none.")),
    ],
  };
}

function deeds(desk, { earlier }, version) {
  if (version.published) return earlier ? [rollBack(desk, version, earlier)] : [el("p", { text: "It is the first: there is none to go back to." })];
  return version.broken ? [] : [publish(desk, version)];
}

function publish(desk, version) {
  const isBad = version.against.length > 0;
  const act = async () => {
    const asked = await confirmed({
      title: "Publish this version?",
      text: `${version.index_version} will answer every request as soon as each replica has loaded it.`,
      warnings: version.against,
      does: "Publish",
      must: isBad ? "Publish it against the gate" : undefined,
    });
    const body = { index_version: version.index_version, force: isBad };
    if (asked && (await done(desk, button, () => desk.api.post("v1/index/publish", body), `${version.index_version} answers now.`))) void desk.again();
  };
  const button = el("button", { class: "button primary", type: "button", text: "Publish", on: { click: () => void act() } });
  return button;
}

function rollBack(desk, version, earlier) {
  const act = async () => {
    const asked = await confirmed({ title: "Roll back?", text: `${earlier} will answer instead of ${version.index_version}.`, does: "Roll back" });
    const body = { index_version: version.index_version };
    if (asked && (await done(desk, button, () => desk.api.post("v1/index/rollback", body), (answer) => `${answer.index_version} answers now.`))) void desk.again();
  };
  const button = el("button", { class: "button", type: "button", text: "Roll back", on: { click: () => void act() } });
  return button;
}
