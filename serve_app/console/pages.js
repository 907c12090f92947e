// Forms and links that change the address, so that every state of a view has one.

import { el } from "../page-parts/element.js";

/** The address of a view with what it was asked; empty values are left out. */
export function address(path, asked = {}) {
  const query = new URLSearchParams(Object.entries(asked).filter(([, value]) => value !== null && value !== undefined && value !== ""));
  return query.size ? `#${path}?${query}` : `#${path}`;
}

/** A path whose last part may be any text. */
export function pathTo(view, name) {
  return `/${view}/${encodeURIComponent(name)}`;
}

/**
 * A form whose fields go into the address.
 *
 * @param {any} desk @param {string} path
 * @param {any[]} fields From `field` or `choice`.
 * @param {string} does What its button says.
 */
export function asking(desk, path, fields, does) {
  const submit = (event) => {
    event.preventDefault();
    desk.go(address(path, Object.fromEntries(new FormData(event.target))).slice(1));
  };
  return el("form", { class: "asking", on: { submit } }, ...fields, el("button", { class: "button primary", text: does }));
}

export function field(name, label, value, more = {}) {
  const input = el("input", { id: `field-${name}`, name, value: value ?? "", maxlength: 256, autocomplete: "off", autocapitalize: "off", spellcheck: "false", ...more });
  return el("p", { class: "field" }, el("label", { for: `field-${name}`, text: label }), input);
}

/** @param {[string, string][]} options Value and text. */
export function choice(name, label, value, options) {
  const made = options.map(([own, text]) => el("option", { value: own, text, selected: own === (value ?? "") }));
  return el("p", { class: "field" }, el("label", { for: `field-${name}`, text: label }), el("select", { id: `field-${name}`, name }, ...made));
}

/** Links to the beginning and to the next page. */
export function pager(path, asked, next, isFirst) {
  if (isFirst && !next) return null;
  const { after, before, offset, ...first } = asked;
  return el(
    "nav",
    { class: "together", "aria-label": "Pages" },
    isFirst ? null : el("a", { class: "button", href: address(path, first), text: "To the beginning" }),
    next ? el("a", { class: "button", href: address(path, { ...asked, ...next }), text: "Next page" }) : null,
  );
}
