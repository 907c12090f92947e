// Health: what answers, how much of it, how fast, and what is not as it should be.

import { el } from "../../page-parts/element.js";
import { heading } from "../../page-parts/router.js";
import { milliseconds, moment, number, percent, rate, span } from "../format.js";
import { between, quantile } from "../histogram.js";
import { spark } from "../plot.js";
import { poll } from "../poll.js";
import { badge, bar, section, table } from "../table.js";

const PERIOD_MS = 3000;
const KEPT = 60;
const LISTS = ["/v1/recommend", "/v1/lists", "/v1/rank", "/v1/similar", "/v1/search"];

export async function view(desk, { signal }) {
  const look = new Look();
  look.take(await desk.api.get("v1/health", { signal }));
  const place = el("div", { class: "stack" });
  const age = el("p", { class: "problem", hidden: true });
  let said = "";
  const show = () => {
    const open = document.activeElement;
    place.replaceChildren(...shown(look));
    if (open && !open.isConnected) document.querySelector("main h1")?.focus({ preventScroll: true });
    const troubles = look.troubles.join(" ") || "Everything answers.";
    if (said && said !== troubles) desk.announcer.say(troubles);
    said = troubles;
    document.getElementById("served").textContent = look.now.index?.index_version ?? "";
  };
  poll(
    async () => {
      try {
        look.take(await desk.api.get("v1/health", { signal }));
        age.hidden = true;
        show();
      } catch (error) {
        if (signal.aborted) return;
        age.textContent = `These figures are of ${moment(look.now.at)}: ${error.message}`;
        age.hidden = false;
      }
    },
    PERIOD_MS,
    signal,
  );
  show();
  return { title: "Health", content: [heading("Health"), age, place] };
}

/** Two answers beside each other, and a short past. */
class Look {
  now = null;
  before = null;
  requests = [];
  events = [];

  take(answer) {
    // Replicas that ended take their counts with them: a smaller sum is a new beginning.
    const isGrown = this.now && sum(answer.statuses) >= sum(this.now.statuses);
    this.before = isGrown ? this.now : null;
    this.now = answer;
    if (!this.before) return;
    this.requests = [...this.requests, this.perS((one) => sum(one.statuses))].slice(-KEPT);
    this.events = [...this.events, this.perS((one) => sum(one.events))].slice(-KEPT);
  }

  get seconds() {
    return this.before ? Math.max((Date.parse(this.now.at) - Date.parse(this.before.at)) / 1000, 0.001) : 0;
  }

  /** How fast a sum grows; undefined before there are two. */
  perS(of) {
    return this.before ? Math.max(0, of(this.now) - of(this.before)) / this.seconds : undefined;
  }

  /** Times of one name since the last look, or since the start where nothing came in. */
  times(kind, name) {
    const [now, before] = [this.now, this.before].map((one) => one?.[kind].find((times) => times.name === name));
    const recent = now && before ? between(before, now) : null;
    return recent?.count ? recent : now;
  }

  get lists() {
    const all = LISTS.map((name) => this.times("routes", name)).filter(Boolean);
    return all.reduce((a, b) => ({ count: a.count + b.count, within: a.within.map((one, place) => one + b.within[place]) }), { count: 0, within: this.now.route_bounds_s.map(() => 0) });
  }

  get living() {
    const seen = new Map(this.before?.replicas.map((one) => [one.replica_id, one.beat]) ?? []);
    return new Map(this.now.replicas.map((one) => [one.replica_id, this.before ? (seen.get(one.replica_id) ?? -1) < one.beat : null]));
  }

  get failures() {
    const failed = (one) => sum(Object.fromEntries(Object.entries(one.statuses).filter(([status]) => status >= "500")));
    return this.before ? failed(this.now) - failed(this.before) : 0;
  }

  /** What is not as it should be, in sentences. @returns {string[]} */
  get troubles() {
    const { now, failures } = this;
    const refused = now.replicas.filter((one) => Object.keys(one.refused).length && this.living.get(one.replica_id) !== false);
    const found = [
      [!now.ready, "No index version is loaded yet."],
      [now.coverage && now.coverage.ratio < 1, `Only ${percent(now.coverage?.ratio)} of the items are searched.`],
      [now.index && !now.index.live_complete, "More changes of the catalog wait than are searched beside the index."],
      [failures > 0, `${failures} requests failed since the last look.`],
      [refused.length, `${refused.length} replicas could not load a version.`],
      [now.log_faults, `The last check of the event log found ${now.log_faults} faults.`],
      [now.events_left_out, `${now.events_left_out} damaged events are left out.`],
    ];
    return found.filter(([holds]) => holds).map(([, text]) => text);
  }
}

function shown(look) {
  const { now, troubles } = look;
  const state = troubles.length ? el("ul", { class: "warnings" }, ...troubles.map((text) => el("li", { text }))) : el("p", { class: "good" }, "Everything answers.");
  return [state, tiles(look), stages(look), degraded(look), replicas(look), versions(now)];
}

function tiles(look) {
  const { now, lists } = look;
  const [index, coverage] = [now.index, now.coverage];
  const living = [...look.living.values()].filter((one) => one !== false).length;
  const time = (share) => milliseconds(quantile(lists, now.route_bounds_s, share), now.route_bounds_s.at(-1));
  const all = [
    ["Coverage", percent(coverage?.ratio), `${number(coverage?.items)} items`],
    ["Shards", coverage ? `${coverage.shards_ok} of ${coverage.shards_total}` : "–", index ? `placed ${index.placement}` : ""],
    ["Replicas", number(living), `${now.under_way} requests under way`],
    ["Index age", span(index?.age_s), index ? `${number(index.live_items)} changed, ${number(index.live_removed)} removed since` : ""],
    ["Requests", rate(look.perS((one) => sum(one.statuses))), trend("Requests a second over the last minutes", look.requests)],
    ["Events", rate(look.perS((one) => sum(one.events))), trend("Events a second over the last minutes", look.events)],
    ["Lists, median", time(0.5), `95 %: ${time(0.95)}, 99 %: ${time(0.99)}`],
    ["Failures", number(look.failures), "answers with 5xx since the last look"],
  ];
  return el("dl", { class: "tiles" }, ...all.map(([name, value, more]) => el("div", { class: "tile" }, el("dt", { text: name }), el("dd", { class: "value", text: value }), el("dd", { class: "more" }, more))));
}

function trend(label, values) {
  return values.length > 1 ? spark(label, values) : "counted from the second look on";
}

function stages(look) {
  const bounds = look.now.stage_bounds_s;
  const all = look.now.stages.map((one) => look.times("stages", one.name));
  const most = Math.max(...all.map((one) => one.sum_s), 1e-9);
  const rows = all.map((one) => [
    one.name.replaceAll("_", " "),
    number(one.count),
    ...[0.5, 0.95, 0.99].map((share) => milliseconds(quantile(one, bounds, share), bounds.at(-1))),
    bar(one.sum_s / most),
  ]);
  return section("Time by stage", el("p", { class: "small", text: "Since the last look, or since the start where nothing came in." }), table("Time by stage", ["Stage", "#Calls", "#Median", "#95 %", "#99 %", "Part of all time"], rows, "No list was asked for yet."));
}

function degraded(look) {
  const before = look.before?.degraded ?? {};
  const rows = Object.entries(look.now.degraded).map(([reason, count]) => [reason.replaceAll("_", " "), number(look.before ? count - (before[reason] ?? 0) : undefined), number(count)]);
  return section("Fallbacks", table("Lists that were degraded", ["Why", "#Since the last look", "#Since the start"], rows, "No list was degraded since the start."));
}

function replicas(look) {
  const rows = look.now.replicas.map((one) => {
    const lives = look.living.get(one.replica_id);
    const refused = Object.entries(one.refused).map(([version, why]) => `${version}: ${why}`);
    return [one.replica_id, lives === null ? badge("looking") : lives ? badge("reports", "ok") : badge("silent", "bad"), one.index_version, one.prepared.length, refused.join("; ") || "none"];
  });
  return section("Replicas", table("Replicas", ["Replica", "State", "Answers from", "#Versions loaded", "Refused"], rows, "No replica has reported."));
}

function versions({ versions: counted }) {
  const rows = Object.entries(counted).map(([name, one]) => [name, number(one.requests), number(one.failures), number(one.empty), number(one.degraded)]);
  return section("Requests by version", table("Requests by index version", ["Version", "#Lists", "#Failed", "#Empty", "#Degraded"], rows, "No list was answered yet."));
}

function sum(counts) {
  return Object.values(counts).reduce((a, b) => a + b, 0);
}
