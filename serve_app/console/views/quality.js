// Quality over time, from what was stored: gates and evaluations.

import { el } from "../../page-parts/element.js";
import { heading } from "../../page-parts/router.js";
import { moment } from "../format.js";
import { linePlot } from "../plot.js";
import { section, table } from "../table.js";

export async function view(desk, { signal }) {
  const { points } = await desk.api.get("v1/quality", { signal });
  const lead = el("p", { class: "lead", text: "Figures of each gate and of each evaluation, as they were stored; bars are 95 % intervals. A gate judges on other events each time: what it compares is a version with the one before." });
  const series = new Map();
  for (const one of points) series.set(one.series, [...(series.get(one.series) ?? []), one]);
  const plots = [...series].map(([name, own]) => section(name, plot(name, own), el("details", {}, el("summary", { text: "As a table" }), told(name, own))));
  const empty = el("p", { class: "empty", text: "Nothing was measured yet: `recsys fit` and `recsys evaluate` leave figures here." });
  return { title: "Quality", content: [heading("Quality over time"), lead, ...(plots.length ? plots : [empty])] };
}

function plot(name, points) {
  const placed = points.map((one) => ({ x: Date.parse(one.at), value: one.value, low: one.low, high: one.high, label: `${moment(one.at)}: ${one.value.toPrecision(4)}, ${one.of}` }));
  return linePlot(`${name}: ${points.length} ${points.length === 1 ? "figure" : "figures"}, the last ${points.at(-1).value.toPrecision(4)}`, placed, (x) => moment(new Date(x).toISOString()).slice(0, 16));
}

function told(name, points) {
  const rows = [...points].reverse().map((one) => [moment(one.at), one.value.toPrecision(4), one.low === null ? "–" : `${one.low.toPrecision(4)} to ${one.high.toPrecision(4)}`, one.of]);
  return table(name, ["When (UTC)", "#Value", "#95 %", "Of"], rows);
}
