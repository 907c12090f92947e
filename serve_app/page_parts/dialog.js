// Questions in front of a page.

import { el } from "./element.js";

/** A dialog that is not open yet. @param {string} name @param {string} label */
export function modal(name, label) {
  return el("dialog", { id: `${name}-dialog`, "aria-label": label });
}

/** A dialog's heading with a button that closes it. */
export function head(dialog, name, text) {
  const close = el("button", { class: "button small", type: "button", text: "Close", on: { click: () => dialog.close() } });
  return el("div", { class: "panel-head" }, el("h2", { id: `${name}-head`, text }), close);
}

/**
 * Asks for the API's key; rejects when nobody gives one.
 *
 * @param {{title: string, scopes: string}} words Whose key, and what it must open.
 * @returns {Promise<string>}
 */
export function askForKey({ title, scopes }) {
  const dialog = modal("key", title);
  const input = el("input", { id: "api-key", type: "password", required: true, autocomplete: "off", spellcheck: "false" });
  const form = el(
    "form",
    { method: "dialog" },
    el("label", { for: "api-key", text: "API key" }),
    el("div", { class: "together" }, input, el("button", { class: "button primary", value: "given", text: "Go on" })),
    el("p", { class: "small", text: `${scopes} It stays in this tab until you close it.` }),
  );
  dialog.append(head(dialog, "key", title), form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve, reject) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      const key = input.value.trim();
      if (dialog.returnValue === "given" && key) resolve(key);
      else reject(new Error("Nothing can be shown without a key."));
    });
  });
}
