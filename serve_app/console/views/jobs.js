// The feedback loop: what it decided and why, what runs and how far it is.

import { el } from "../../page-parts/element.js";
import { heading } from "../../page-parts/router.js";
import { confirmed, done } from "../confirm.js";
import { moment, span } from "../format.js";
import { pathTo } from "../pages.js";
import { poll } from "../poll.js";
import { badge, facts, section, table } from "../table.js";

const PERIOD_MS = 3000;
const KINDS = { due: "what is due", embed: "embed new texts", fit: "learn from events", fine_tune: "fine-tune the encoder", evaluate: "evaluate" };
const COLOURS = { succeeded: "ok", running: "warn", refused: "warn", failed: "bad", rolled_back: "bad" };

export async function view(desk, parameters) {
  return parameters.rest ? run(desk, parameters) : loop(desk, parameters);
}

async function loop(desk, { signal }) {
  const place = el("div", { class: "stack" });
  const show = (answer) => place.replaceChildren(state(answer), decisions(answer.runs));
  const first = await desk.api.get("v1/loop", { signal });
  show(first);
  poll(async () => void (await desk.api.get("v1/loop", { signal }).then(show, () => {})), PERIOD_MS, signal);
  return { title: "Jobs", content: [heading("Jobs and decisions"), controls(desk, first), place] };
}

function controls(desk, { paused }) {
  const turn = async () => {
    await done(desk, pause, () => desk.api.post(`v1/loop/${paused ? "resume" : "pause"}`), paused ? "The loop decides again." : "The loop decides nothing until you resume it.");
    void desk.again();
  };
  const ask = async () => {
    const kind = choose.value;
    const asked = await confirmed({ title: "Ask for a run?", text: `The loop will ${kind === "due" ? "do what is due" : KINDS[kind]} as soon as nothing else runs.`, does: "Ask" });
    if (asked) await done(desk, button, () => desk.api.post(`v1/jobs/${kind}`), "It was asked for; the loop takes it up within seconds.");
  };
  const pause = el("button", { class: "button", type: "button", text: paused ? "Let the loop decide" : "Pause the loop", on: { click: () => void turn() } });
  const choose = el("select", { id: "kind" }, ...Object.entries(KINDS).map(([kind, text]) => el("option", { value: kind, text })));
  const button = el("button", { class: "button", type: "button", text: "Ask for a run", on: { click: () => void ask() } });
  return el("div", { class: "deeds" }, pause, el("label", { for: "kind", text: "Run" }), choose, button);
}

function state({ paused, holder, running, waiting }) {
  return facts([
    ["Loop", paused ? "paused" : holder ? "turns" : "turns nowhere: nobody retrains"],
    ["Held by", holder ?? "nobody"],
    ["Running", running.length ? running.flatMap((id, place) => [place ? ", " : "", link(id)]) : "nothing"],
    ["Asked for", waiting.map((kind) => KINDS[kind] ?? kind).join(", ") || "nothing"],
  ]);
}

function decisions(runs) {
  const rows = runs.map((one) => [link(one.run_id), one.kind.replace("_", " "), badge(one.state.replace("_", " "), COLOURS[one.state]), moment(one.started_at), took(one), one.reasons.join("; ") || `asked for (${one.trigger})`, outcome(one)]);
  return section("Decisions", table("Decisions of the loop", ["Run", "Kind", "State", "Began (UTC)", "#Took", "Because", "Outcome"], rows, "The loop has not decided anything yet."));
}

function link(id) {
  return el("a", { href: `#${pathTo("jobs", id)}`, text: id });
}

function took({ started_at: begun, ended_at: ended }) {
  return span((Date.parse(ended ?? new Date().toISOString()) - Date.parse(begun)) / 1000);
}

function outcome({ result }) {
  return String(result.error ?? result.index_version ?? "").slice(-160);
}

async function run(desk, { rest: id, signal }) {
  const path = `v1/jobs/${encodeURIComponent(id)}`;
  const place = el("div", { class: "stack" });
  let last = "";
  const show = (one) => {
    const said = `${one.state}, step ${one.steps_begun ?? 0} of ${one.steps}`;
    if (last && said !== last) desk.announcer.say(said);
    last = said;
    place.replaceChildren(...about(one));
  };
  const first = await desk.api.get(path, { signal });
  show(first);
  if (!first.ended_at) poll(async () => void (await desk.api.get(path, { signal }).then(show, () => {})), PERIOD_MS, signal);
  return { title: id, content: [heading(id), place] };
}

function about(one) {
  const begun = one.ended_at && one.state === "succeeded" ? one.steps : (one.steps_begun ?? 0);
  // A step that runs counts by half.
  const value = one.ended_at ? begun : Math.max(0, begun - 0.5);
  const result = Object.entries(one.result).map(([name, found]) => [name.replaceAll("_", " "), typeof found === "object" ? JSON.stringify(found) : String(found)]);
  return [
    facts([
      ["Kind", one.kind.replace("_", " ")],
      ["State", badge(one.state.replace("_", " "), COLOURS[one.state])],
      ["Progress", [el("progress", { max: one.steps, value, "aria-label": "Progress" }), ` step ${begun} of ${one.steps}`]],
      ["Began (UTC)", moment(one.started_at)],
      ["Took", took(one)],
      ["Because", one.reasons.join("; ") || `asked for (${one.trigger})`],
    ]),
    section("Outcome", table("Outcome", ["What", "Value"], result, "None yet.")),
    section("Log", one.log ? el("pre", { tabindex: 0, "aria-label": "The end of its log", text: one.log }) : el("p", { class: "empty", text: "Nothing was logged." })),
  ];
}
