// Elements of the page. Texts become text nodes only: nothing from the catalog is ever read as markup.

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element with properties and children.
 *
 * `class`, `text` and `on` (listeners by event) have a meaning of their own; every other property is an
 * attribute, left out when it is null or false and empty when it is true.
 *
 * @param {string} name
 * @param {Record<string, any>} [properties]
 * @param {...(Node | string | null | false | undefined)} children
 * @returns {any}
 */
export function el(name, properties = {}, ...children) {
  return filled(document.createElement(name), properties, children);
}

/** The same for SVG. */
export function svg(name, properties = {}, ...children) {
  return filled(document.createElementNS(SVG, name), properties, children);
}

/** A line icon of 24 by 24 units that says nothing: its button has a name of its own. */
export function icon(path) {
  const attributes = { viewBox: "0 0 24 24", class: "icon", "aria-hidden": true, focusable: "false" };
  return svg("svg", attributes, svg("path", { d: path }));
}

export const ICONS = {
  heart: "M12 20s-7.5-4.6-7.5-10A4.3 4.3 0 0 1 12 7.2 4.3 4.3 0 0 1 19.5 10c0 5.4-7.5 10-7.5 10z",
  away: "M6 6l12 12M18 6L6 18",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  bag: "M5 8h14l-1 12H6zM9 8V7a3 3 0 0 1 6 0v1",
  search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM15.5 15.5L20 20",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20.5c.8-4 3.8-6 7.5-6s6.7 2 7.5 6",
  gauge: "M4 17a8 8 0 1 1 16 0M12 17l4-6",
  star: "M12 4l2.5 5.2 5.7.8-4.1 4 1 5.7L12 17l-5.1 2.7 1-5.7-4.1-4 5.7-.8z",
};

function filled(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (name === "text") element.textContent = value;
    else if (name === "on") listen(element, value);
    else if (value === true) element.setAttribute(name, name.startsWith("aria-") ? "true" : "");
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== false && child !== undefined));
  return element;
}

function listen(element, listeners) {
  for (const [event, listener] of Object.entries(listeners)) element.addEventListener(event, listener);
}
