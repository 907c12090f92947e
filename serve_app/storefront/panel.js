// What the service believes and how it made the list: for those who run the shop, not for its shoppers.

import { el } from "../page-parts/element.js";

const OPEN = "store.panel";
const BELIEFS = 12;
const EXPLAINED = 3;

export class Panel {
  #shop;
  #place;
  #button;
  #sent = null;

  /** @param {any} shop @param {HTMLElement} place @param {HTMLButtonElement} button Opens and closes it. */
  constructor(shop, place, button) {
    this.#shop = shop;
    this.#place = place;
    this.#button = button;
    button.addEventListener("click", () => this.#toggle(place.hidden));
    place.addEventListener("keydown", (event) => event.key === "Escape" && this.#toggle(false));
    shop.forYou.addEventListener("change", () => void this.#show());
    shop.tag.addEventListener("waiting", () => this.#count());
    shop.tag.addEventListener("sent", ({ detail }) => this.#count(detail.answer));
    if (localStorage.getItem(OPEN) === "yes") this.#reveal(true);
  }

  #toggle(open) {
    localStorage.setItem(OPEN, open ? "yes" : "no");
    this.#reveal(open);
    (open ? this.#place.querySelector("h2") : this.#button)?.focus();
  }

  #reveal(open) {
    this.#place.hidden = !open;
    this.#button.setAttribute("aria-expanded", String(open));
    document.body.classList.toggle("with-panel", open);
    if (open) void this.#show();
  }

  async #show() {
    if (this.#place.hidden) return;
    const { answer, tookMs, error } = this.#shop.forYou;
    const hadFocus = this.#place.contains(document.activeElement);
    const beliefs = await this.#beliefs();
    const close = el("button", { class: "button small", type: "button", text: "Close", on: { click: () => this.#toggle(false) } });
    this.#place.replaceChildren(
      el("div", { class: "panel-head" }, el("h2", { tabindex: -1, text: "How this works" }), close),
      ...(error ? [el("p", { class: "problem", text: error.message })] : []),
      ...(answer ? this.#answer(answer, tookMs) : []),
      el("h3", { text: "What is believed" }),
      ...beliefs,
      el("h3", { text: "Events" }),
      el("p", { id: "event-count" }),
    );
    this.#count();
    if (hadFocus) this.#place.querySelector("h2").focus({ preventScroll: true });
  }

  #answer(answer, tookMs) {
    const { coverage } = answer;
    const facts = [
      ["Answered in", `${Math.round(tookMs)} ms, with the network`],
      ["Coverage", `${(100 * coverage.ratio).toFixed(1)} % of ${coverage.items} items, ${coverage.shards_ok} of ${coverage.shards_total} shards`],
      ["Degraded", answer.degraded.join(", ") || "nothing"],
      ["Scenario", answer.scenario],
      ["Experiment", answer.variant ?? "none"],
      ["Rules", answer.applied_rules.join(", ") || "none"],
      ["Encoder", answer.model_version],
      ["Index", answer.index_version],
      ["List", answer.recommendation_id],
    ];
    const why = answer.items.slice(0, EXPLAINED).map((one) =>
      el("li", {}, el("strong", { text: one.title ?? one.item_id }), ` ${one.score.toFixed(2)}, from ${one.sources.join(", ")}`, el("ul", {}, ...one.reasons.map(because))),
    );
    return [
      el("h3", { text: "The answer" }),
      el("dl", { class: "facts" }, ...facts.flatMap(([name, value]) => [el("dt", { text: name }), el("dd", { text: value })])),
      el("h3", { text: "Why the first three" }),
      el("ol", { class: "why" }, ...why),
    ];
  }

  async #beliefs() {
    const none = (text) => [el("p", { text })];
    try {
      const id = encodeURIComponent(this.#shop.shopper.userId);
      const profile = await this.#shop.api.get(`v1/users/${id}/profile`);
      const most = Math.max(...profile.interests.map((one) => Math.abs(one.weight)), 1e-9);
      const strongest = profile.interests.slice().sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
      const rows = strongest.slice(0, BELIEFS).map((one) => belief(one, most));
      const said = `${profile.num_events} events about ${profile.interests.length} items. Above zero draws, below pushes away.`;
      return [el("p", { text: said }), el("ul", { class: "beliefs" }, ...rows)];
    } catch (error) {
      if (error.status === 404) return none("Nothing yet: this shopper has done nothing.");
      if (error.status === 403) return none("This key may not read profiles; it lacks the scope `admin`.");
      return none(error.message);
    }
  }

  #count(sent) {
    this.#sent = sent ?? this.#sent;
    const place = this.#place.querySelector("#event-count");
    if (!place) return;
    const last = this.#sent ? `Last batch: ${this.#sent.appended} written, ${this.#sent.duplicates} known already.` : "";
    place.textContent = `${this.#shop.tag.waiting} waiting to be sent. ${last}`;
  }
}

function because({ text, share }) {
  return el("li", { text: share === null ? text : `${text} (${Math.round(100 * share)} %)` });
}

function belief({ title, item_id: id, weight, event_types: types }, most) {
  const bar = el("span", { class: `bar ${weight < 0 ? "against" : "for"}`, "aria-hidden": true });
  bar.style.setProperty("--share", String(Math.abs(weight) / most));
  return el(
    "li",
    {},
    el("span", { class: "belief-title", text: title ?? id }),
    el("span", { class: "belief-types", text: `${weight.toFixed(2)} · ${types.join(", ")}` }),
    bar,
  );
}
