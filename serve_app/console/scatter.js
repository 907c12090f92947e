// Many points on a canvas: one can point at them, or walk among them with the arrow keys.

import { el } from "../page-parts/element.js";

const HEIGHT_SHARE = 0.66;
const EDGE = 14;
const NEAR = 18;
const TURN = 137.5;
const WAYS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };

export class Scatter {
  element;
  #points;
  #rings;
  #onChosen;
  #only = new Set();
  #chosen = null;
  #at = [];
  #watch = new ResizeObserver(() => this.#draw());
  #scheme = matchMedia("(prefers-color-scheme: dark)");
  #redraw = () => this.#draw();

  /**
   * @param {{x: number[], y: number[], category: number[], categories: string[]}} points
   * @param {{place: number, weight: number}[]} rings Points that are ringed, by weight.
   * @param {(place: number) => void} onChosen
   */
  constructor(points, rings, onChosen) {
    this.#points = points;
    this.#rings = rings;
    this.#onChosen = onChosen;
    const label = `Map of ${points.x.length} items in ${points.categories.length} categories${rings.length ? `, ${rings.length} of them interests` : ""}. Arrow keys walk from item to item.`;
    this.element = el("canvas", { class: "map", tabindex: 0, role: "img", "aria-label": label, "aria-describedby": "map-about", on: { keydown: (event) => this.#walk(event), pointermove: (event) => this.#point(event), pointerdown: (event) => this.#point(event) } });
    this.#watch.observe(this.element);
    this.#scheme.addEventListener("change", this.#redraw);
  }

  /** A category's colour: neighbours in the list are far apart on the wheel. */
  hue(category) {
    return Math.round(category * TURN) % 360;
  }

  /** Show these categories alone; all of them for none. @param {Set<number>} categories */
  only(categories) {
    this.#only = new Set(categories);
    this.#draw();
  }

  end() {
    this.#watch.disconnect();
    this.#scheme.removeEventListener("change", this.#redraw);
  }

  #draw() {
    const canvas = this.element;
    const width = canvas.clientWidth;
    if (!width) return;
    const height = Math.round(width * HEIGHT_SHARE);
    const ratio = devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * ratio)) [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    this.#at = placed(this.#points, width, height);
    const light = this.#scheme.matches ? 66 : 42;
    const size = this.#points.x.length > 4000 ? 1.6 : 3;
    this.#at.forEach(([x, y], place) => {
      if (!this.#isShown(place)) return;
      pen.fillStyle = `hsl(${this.hue(this.#points.category[place])} 55% ${light}% / 75%)`;
      pen.beginPath();
      pen.arc(x, y, size, 0, 2 * Math.PI);
      pen.fill();
    });
    this.#ring(pen);
  }

  #ring(pen) {
    const colours = getComputedStyle(this.element);
    const most = Math.max(...this.#rings.map((one) => Math.abs(one.weight)), 1e-9);
    pen.lineWidth = 2.5;
    for (const { place, weight } of this.#rings) {
      pen.strokeStyle = colours.getPropertyValue(weight < 0 ? "--down" : "--ink");
      circle(pen, this.#at[place], 4 + (8 * Math.abs(weight)) / most);
    }
    if (this.#chosen === null) return;
    pen.strokeStyle = colours.getPropertyValue("--accent");
    pen.lineWidth = 3.5;
    circle(pen, this.#at[this.#chosen], 9);
  }

  #isShown(place) {
    return !this.#only.size || this.#only.has(this.#points.category[place]);
  }

  #point(event) {
    const box = this.element.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    this.#choose(this.#nearest((px, py) => Math.hypot(px - x, py - y), NEAR));
  }

  /** To the nearest item that lies more ahead than aside. */
  #walk(event) {
    const way = WAYS[event.key];
    if (!way) return;
    event.preventDefault();
    if (this.#chosen === null) return this.#choose(this.#rings[0]?.place ?? this.#nearest(() => 0, 1));
    const [x, y] = this.#at[this.#chosen];
    const far = (px, py) => {
      const [dx, dy] = [px - x, py - y];
      const ahead = dx * way[0] + dy * way[1];
      const aside = Math.abs(dx * way[1]) + Math.abs(dy * way[0]);
      return ahead > 0.01 && ahead >= aside ? ahead + aside : Infinity;
    };
    this.#choose(this.#nearest(far, Infinity));
  }

  #nearest(distance, most) {
    let [best, found] = [most, null];
    this.#at.forEach(([x, y], place) => {
      if (!this.#isShown(place)) return;
      const own = distance(x, y);
      if (own < best) [best, found] = [own, place];
    });
    return found;
  }

  #choose(place) {
    if (place === null || place === this.#chosen) return;
    this.#chosen = place;
    this.#draw();
    this.#onChosen(place);
  }
}

function placed({ x, y }, width, height) {
  const [left, right] = bounds(x);
  const [low, high] = bounds(y);
  const across = (value) => EDGE + ((value - left) / (right - left || 1)) * (width - 2 * EDGE);
  const up = (value) => height - EDGE - ((value - low) / (high - low || 1)) * (height - 2 * EDGE);
  return x.map((value, place) => [across(value), up(y[place])]);
}

function bounds(values) {
  return values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
}

function circle(pen, [x, y], radius) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.stroke();
}
