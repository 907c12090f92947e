// Asks before something is done that others will feel.

import { head, modal } from "../page-parts/dialog.js";
import { el } from "../page-parts/element.js";

/**
 * @param {{title: string, text: string, warnings?: string[], does: string, must?: string}} words
 *   `must`: what has to be ticked before it can be done.
 * @returns {Promise<boolean>}
 */
export function confirmed({ title, text, warnings = [], does, must }) {
  const dialog = modal("confirm", title);
  const button = el("button", { class: "button primary", value: "yes", text: does, disabled: Boolean(must) });
  const tick = el("input", { type: "checkbox", id: "must", on: { change: (event) => (button.disabled = !event.target.checked) } });
  dialog.append(
    head(dialog, "confirm", title),
    el(
      "form",
      { method: "dialog" },
      el("p", { text }),
      warnings.length ? el("ul", { class: "warnings" }, ...warnings.map((one) => el("li", { text: one }))) : null,
      must ? el("p", { class: "together" }, tick, el("label", { for: "must", text: must })) : null,
      el("p", { class: "together" }, button, el("button", { class: "button", value: "no", text: "Leave it" })),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) =>
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    }),
  );
}

/** Do something and say how it went; the button is of no use meanwhile. @returns {Promise<boolean>} */
export async function done(desk, button, deed, said) {
  button.disabled = true;
  try {
    const answer = await deed();
    desk.announcer.note(typeof said === "function" ? said(answer) : said);
    return true;
  } catch (error) {
    desk.announcer.note(error.message);
    const before = button.parentNode.querySelector(".problem");
    const problem = el("p", { class: "problem", role: "alert", text: error.message });
    if (before) before.replaceWith(problem);
    else button.after(problem);
    return false;
  } finally {
    button.disabled = false;
  }
}
