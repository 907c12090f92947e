// Rules and scenarios: written as JSON, tried on a real list, and kept only after that.

import { el } from "../../page-parts/element.js";
import { heading } from "../../page-parts/router.js";
import { confirmed, done } from "../confirm.js";
import { moment } from "../format.js";
import { address, field, pathTo } from "../pages.js";
import { named, shopperFields } from "../shopper.js";
import { badge, section, table } from "../table.js";

const NEW = "?new=1";
const KINDS = {
  rules: {
    one: "rule",
    title: "Rules",
    lead: "What merchandisers want of lists: pin, boost, bury, hide, promote.",
    example: { description: "", items: { field: "category", op: "under", value: "Kitchen" }, effect: { kind: "promote", share: 0.3 } },
    about: (body) => [badge(body.enabled === false ? "off" : "on", body.enabled === false ? "" : "ok"), body.effect?.kind ?? "–", body.description || "–"],
    head: ["State", "Effect", "Description"],
  },
  scenarios: {
    one: "scenario",
    title: "Scenarios",
    lead: "Places in the shop: what fills their lists, and what counts in them.",
    example: { description: "", n: 8, lists: { diversity: 0.3 } },
    about: (body) => [body.n ?? 10, (body.sources ?? ["personal", "…"]).join(", "), body.description || "–"],
    head: ["#Items", "Sources", "Description"],
  },
};

export async function view(desk, { name, rest, query, signal }) {
  const kind = KINDS[name];
  const stored = await desk.api.get(`v1/${name}`, { signal });
  if (rest) {
    const one = stored.find((each) => each.name === rest);
    if (!one) throw Object.assign(new Error("There is no such decision."), { status: 404 });
    return editor(desk, name, stored, one);
  }
  if (query.has("new")) return editor(desk, name, stored, null);
  const rows = stored.map((one) => [el("a", { href: `#${pathTo(name, one.name)}`, text: one.name }), ...kind.about(one.body), one.revision ? `${moment(one.updated_at)} by ${one.updated_by}` : "built in"]);
  const add = el("p", {}, el("a", { class: "button", href: `#/${name}${NEW}`, text: `New ${kind.one}` }));
  return { title: kind.title, content: [heading(kind.title), el("p", { class: "lead", text: kind.lead }), add, table(kind.title, ["Name", ...kind.head, "Changed (UTC)"], rows, `There is no ${kind.one} yet.`)] };
}

function editor(desk, plural, stored, one) {
  const kind = KINDS[plural];
  const title = one ? one.name : `New ${kind.one}`;
  const name = field("name", "Name", one?.name ?? "", { required: true, readonly: Boolean(one) });
  const body = el("textarea", { id: "body", rows: 14, spellcheck: "false", "aria-describedby": "body-help" });
  body.value = JSON.stringify(one?.body ?? kind.example, null, 2);
  const result = el("div", { class: "stack", role: "region", "aria-label": "Preview" });
  const save = el("button", { class: "button primary", type: "button", text: "Save", disabled: true });
  let tried = "";
  const state = () => (save.disabled = tried !== written());
  const written = () => `${value("name")}\n${body.value}`;
  const value = (id) => document.getElementById(`field-${id}`)?.value.trim() ?? "";
  const preview = async (event) => {
    event.preventDefault();
    const text = written();
    const button = event.target.querySelector("button");
    await done(
      desk,
      button,
      async () => {
        const found = await desk.api.post("v1/rules:preview", asked(plural, stored, one, value, JSON.parse(body.value)));
        result.replaceChildren(...changes(found));
        tried = text;
        return found;
      },
      (found) => `${found.entered.length} items come in, ${found.left.length} go.`,
    );
    if (tried === text) button.parentNode.querySelector(".problem")?.remove();
    state();
  };
  const keep = async () => {
    const [called, made] = [value("name"), JSON.parse(body.value)];
    const sure = await confirmed({ title: `Save ${called}?`, text: "It counts for every shopper within a second.", does: "Save" });
    const headers = { "If-Match": String(one?.revision ?? 0) };
    if (sure && (await done(desk, save, () => desk.api.put(`v1/${plural}/${encodeURIComponent(called)}`, made, { headers }), `${called} is in force.`))) desk.go(`/${plural}`);
  };
  save.addEventListener("click", () => void keep());
  body.addEventListener("input", state);
  name.addEventListener("input", state);
  const form = el(
    "form",
    { class: "asking", on: { submit: (event) => void preview(event) } },
    ...shopperFields("Try it on shopper", {}),
    plural === "rules" ? field("scenario", "In scenario", "") : null,
    field("n", "Items", "10", { inputmode: "numeric", pattern: "[0-9]{1,3}" }),
    el("button", { class: "button", text: "Preview" }),
  );
  const help = el("p", { id: "body-help", class: "small", text: `The ${kind.one} as JSON. It can be saved once this very text was tried.` });
  return {
    title,
    content: [heading(title), name, el("label", { for: "body", text: `The ${kind.one}` }), body, help, form, result, el("div", { class: "deeds" }, save, one?.revision ? remove(desk, plural, one) : null)],
  };
}

/** The stored rules with this one in its place, or the stored rules with these settings. */
function asked(plural, stored, one, value, body) {
  const own = { rule_id: value("name") || "new", ...body };
  const others = plural === "rules" ? stored.filter((each) => each.name !== one?.name).map((each) => ({ rule_id: each.name, ...each.body })) : [];
  const scenario = plural === "rules" ? value("scenario") : (one?.name ?? "default");
  const request = { n: Number(value("n")) || 10, ...named({ user: value("user"), kind: value("kind") }), ...(scenario && { scenario }) };
  return plural === "rules" ? { request, rules: [...others, own] } : { request, rules: [], settings: body };
}

function changes({ before, after, changes: moved }) {
  const titles = new Map([...before.items, ...after.items].map((one) => [one.item_id, one.title ?? one.item_id]));
  const rows = moved.map((one) => [el("a", { href: address("/why", { item: one.item_id }), text: titles.get(one.item_id) }), one.before ?? "–", one.after ?? "–", one.rules.join(", ") || "made or got room"]);
  const listed = after.items.map((one, place) => [place + 1, one.title ?? one.item_id, one.rules.join(", ") || "–"]);
  return [
    section("What would change", table("What would change", ["Item", "#Now", "#Then", "By"], rows, "Nothing would change in this list.")),
    section("The list then", table("The list then", ["#Place", "Item", "Rules"], listed, "The list would be empty.")),
  ];
}

function remove(desk, plural, one) {
  const act = async () => {
    const sure = await confirmed({ title: `Take ${one.name} away?`, text: plural === "scenarios" ? "A built-in scenario is as it was shipped again; another is gone." : "It counts no more within a second.", does: "Take it away" });
    if (sure && (await done(desk, button, () => desk.api.delete(`v1/${plural}/${encodeURIComponent(one.name)}`), `${one.name} is gone.`))) desk.go(`/${plural}`);
  };
  const button = el("button", { class: "button", type: "button", text: "Take it away", on: { click: () => void act() } });
  return button;
}
