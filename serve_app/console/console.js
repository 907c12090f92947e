// The console's beginning: puts the parts together and follows the address. A view is loaded when it is asked for.

import { Announcer } from "../page-parts/announcer.js";
import { Api } from "../page-parts/api.js";
import { askForKey } from "../page-parts/dialog.js";
import { el } from "../page-parts/element.js";
import { Router } from "../page-parts/router.js";
import { followSkipLink } from "../page-parts/skip_link.js";

const KEY = { title: "The console needs a key", scopes: "With the scope admin." };
const VIEWS = {
  "": "health",
  versions: "versions",
  jobs: "jobs",
  why: "why",
  rules: "decide",
  scenarios: "decide",
  experiments: "experiments",
  quality: "quality",
  catalog: "catalog",
  quarantine: "quarantine",
  moderation: "moderation",
  map: "map",
  audit: "audit",
};
const WORDS = { site: "Console", missing: "Not here", failed: "This cannot be shown", home: "To health", again: otherKey };
const byId = (id) => document.getElementById(id);

const api = new Api(new URL("../", document.baseURI), { keyName: "console.key", who: "The service" });
const announcer = new Announcer(byId("voice"), byId("note"));
const router = new Router(Object.fromEntries(Object.keys(VIEWS).map((name) => [name, made(name)])), byId("main"), WORDS);
/** What every view is given. */
const desk = { api, announcer, again: () => router.show({ quietly: true }), go: (path, how) => router.go(path, how) };

api.onKeyNeeded = () => askForKey(KEY);
byId("forget-key").addEventListener("click", forget);
router.addEventListener("shown", shown);
followSkipLink();
void router.show();

function made(name) {
  return async (parameters) => {
    const { view } = await import(`./views/${VIEWS[name]}.js`);
    return view(desk, { ...parameters, name });
  };
}

function shown() {
  const place = router.path.split(/[/?]/)[1] ?? "";
  for (const link of byId("views").children) {
    const isHere = link.getAttribute("href").replace("#/", "") === place;
    if (isHere) {
      link.setAttribute("aria-current", "page");
      link.scrollIntoView({ block: "nearest", inline: "nearest" });
    } else link.removeAttribute("aria-current");
  }
  byId("forget-key").hidden = !api.key;
}

/** A key that does not open a route may be changed for another. */
function otherKey(error) {
  if (error.status !== 403) return [];
  return [el("button", { class: "button", type: "button", text: "Use another key", on: { click: forget } })];
}

function forget() {
  api.forgetKey();
  void router.show();
}
