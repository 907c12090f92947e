// Which view is shown: the part of the address after `#`, so that no server needs to know of it.

import { el } from "./element.js";

/**
 * @typedef {{title: string, content: Node[]}} View
 * @typedef {{site: string, missing: string, failed: string, home: string, again?: (error: any) => Node[]}} Words
 *   `again`: what else may be done about a failure.
 * @typedef {(parameters: {rest: string, query: URLSearchParams, signal: AbortSignal}) => Promise<View>} Maker
 */

export class Router extends EventTarget {
  #makers;
  #outlet;
  #words;
  #running = new AbortController();
  #isFirst = true;

  /**
   * @param {Record<string, Maker>} makers By the first part of a path.
   * @param {HTMLElement} outlet
   * @param {Words} words What the page is called, and how it says that something went wrong.
   */
  constructor(makers, outlet, words) {
    super();
    this.#makers = makers;
    this.#outlet = outlet;
    this.#words = words;
    addEventListener("hashchange", () => void this.show());
  }

  /** The path that is shown, such as `/category/Kitchen`. */
  get path() {
    return location.hash.replace(/^#/, "") || "/";
  }

  /** Go somewhere; `quietly` leaves the focus and the history's last step as they are. */
  go(path, { quietly = false } = {}) {
    if (!quietly) {
      location.hash = path;
      return;
    }
    history.replaceState(null, "", `#${path}`);
    void this.show({ quietly });
  }

  /** Make the view of the address anew. */
  async show({ quietly = false } = {}) {
    this.#running.abort();
    this.#running = new AbortController();
    const { signal } = this.#running;
    const [place, query = ""] = this.path.split("?");
    const [, name, ...rest] = place.split("/");
    this.#outlet.setAttribute("aria-busy", "true");
    const make = this.#makers[name] ?? this.#makers[""];
    const parameters = { rest: decoded(rest.join("/")), query: new URLSearchParams(query), signal };
    const view = await make(parameters).catch((error) => failed(error, signal, this.#words));
    if (signal.aborted) return;
    this.#place(view, quietly);
  }

  #place({ title, content }, quietly) {
    this.#outlet.replaceChildren(...content);
    this.#outlet.removeAttribute("aria-busy");
    document.title = `${title} · ${this.#words.site}`;
    if (!quietly && !this.#isFirst) {
      scrollTo({ top: 0, behavior: "instant" });
      this.#outlet.querySelector("h1")?.focus({ preventScroll: true });
    }
    this.#isFirst = false;
    this.dispatchEvent(new Event("shown"));
  }
}

/** The one heading of a view; the focus comes here when the view is shown. */
export function heading(text) {
  return el("h1", { tabindex: -1, text });
}

/** Says to those who go from heading to heading that cards follow. */
export function itemsHead() {
  return el("h2", { class: "hidden", text: "Items" });
}

function failed(error, signal, words) {
  if (signal.aborted) return { title: "", content: [] };
  const missing = error.status === 404;
  const title = missing ? words.missing : words.failed;
  const text = missing ? "There is nothing under this address." : `${error.message} Try again in a moment.`;
  const again = el("button", { class: "button", type: "button", text: "Try again", on: { click: () => dispatchEvent(new Event("hashchange")) } });
  const home = el("a", { class: "button", href: "#/", text: words.home });
  const more = words.again?.(error) ?? [];
  return { title, content: [heading(title), el("p", { class: "lead", text }), el("p", { class: "together" }, missing ? home : again, ...more)] };
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
