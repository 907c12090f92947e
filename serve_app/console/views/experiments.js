// Experiments as they stand, with intervals.

import { el } from "../../page-parts/element.js";
import { heading } from "../../page-parts/router.js";
import { moment, number, percent } from "../format.js";
import { pathTo } from "../pages.js";
import { forest } from "../plot.js";
import { badge, facts, section, table } from "../table.js";

export async function view(desk, { rest: name, signal }) {
  if (name) return results(desk, name, signal);
  const all = await desk.api.get("v1/experiments", { signal });
  const rows = all.map((one) => [
    el("a", { href: `#${pathTo("experiments", one.name)}`, text: one.name }),
    one.body.enabled === false ? badge("off") : badge("on", "ok"),
    (one.body.arms ?? []).map((arm) => `${arm.name} ${percent(arm.share, 0)}`).join(", "),
    (one.body.scenarios ?? []).join(", ") || "every scenario",
    `${moment(one.updated_at)} by ${one.updated_by}`,
  ]);
  return { title: "Experiments", content: [heading("Experiments"), el("p", { class: "lead", text: "A verdict may be read every day; it is made of figures that allow for looking often." }), table("Experiments", ["Name", "State", "Arms", "Where", "Changed (UTC)"], rows, "There is no experiment yet.")] };
}

async function results(desk, name, signal) {
  const found = await desk.api.get(`v1/experiments/${encodeURIComponent(name)}/results`, { signal });
  const { verdict } = found;
  const head = [heading(name), el("p", { class: "verdict" }, el("strong", { text: verdict.words }), ` ${verdict.why}`)];
  return { title: name, content: [...head, ...(found.mode === "interleave" ? interleaved(found) : compared(found))] };
}

function compared(found) {
  const measures = [...found.arms.reduce((all, arm) => new Set([...all, ...Object.keys(arm.values)]), new Set())];
  const arms = found.arms.map((arm) => [arm.name, percent(arm.share, 0), number(arm.units), number(arm.lists), number(arm.clicks), number(arm.purchases), ...measures.map((measure) => arm.values[measure]?.toPrecision(3) ?? "–")]);
  const rows = [...found.comparisons, ...found.others];
  const plotted = rows.map((one) => ({ name: `${one.arm}: ${one.measure.replaceAll("_", " ")}`, value: one.lift, low: one.lift_interval?.low ?? null, high: one.lift_interval?.high ?? null }));
  const told = rows.map((one) => [one.arm, one.measure.replaceAll("_", " "), one.value.toPrecision(4), one.control_value.toPrecision(4), percent(one.lift), interval(one.lift_interval), interval(one.sequential_interval), one.enough ? "yes" : "no"]);
  const guards = found.guardrails.map((one) => [one.arm, one.measure.replaceAll("_", " "), percent(one.max_loss), badge(one.state, { held: "ok", breached: "bad" }[one.state] ?? "warn"), percent(one.lift), interval(one.sequential_interval)]);
  return [
    found.sample_ratio.broken ? el("ul", { class: "warnings" }, el("li", { text: "Shoppers came to the arms in other shares than planned: no figure below can be trusted." })) : "",
    facts([
      ["Control", found.control],
      ["Decided by", found.primary.replaceAll("_", " ")],
      ["Confidence", percent(found.confidence)],
      ["Looks so far", number(found.looks)],
    ]),
    section("Lift over the control", plotted.length ? forest("Relative difference to the control, with 95 % intervals", plotted, (value) => percent(value)) : el("p", { class: "empty", text: "There is nothing to compare yet." })),
    section("Figures", table("Comparisons", ["Arm", "Measure", "#Value", "#Control", "#Lift", "#95 %, one look", "#Often looked at", "Enough"], told, "There is nothing to compare yet.")),
    section("Guardrails", table("Guardrails", ["Arm", "Measure", "#Most loss", "State", "#Lift", "#Interval"], guards, "This experiment has none.")),
    section("Arms", table("Arms", ["Arm", "#Share", "#Shoppers", "#Lists", "#Clicks", "#Purchases", ...measures.map((one) => `#${one.replaceAll("_", " ")}`)], arms, "No arm.")),
  ];
}

function interleaved(found) {
  const row = { name: `${found.arms[1]} over ${found.arms[0]}`, value: found.preference, low: found.preference_interval?.low ?? null, high: found.preference_interval?.high ?? null };
  return [
    section("Preference", forest("Lists won less lists lost by the second arm, with a 95 % interval", [row], (value) => value.toFixed(2))),
    facts([
      ["Arms", found.arms.join(" and ")],
      ["Shoppers", number(found.units)],
      ["Lists", number(found.lists)],
      ["Lists won", found.lists_won.map((count) => number(count)).join(" to ")],
      ["Shoppers won", `${found.units_won.map((count) => number(count)).join(" to ")}, ${number(found.units_tied)} tied`],
    ]),
  ];
}

function interval(found) {
  if (!found) return "–";
  return `${found.low === null ? "no bound" : percent(found.low)} to ${found.high === null ? "no bound" : percent(found.high)}`;
}
