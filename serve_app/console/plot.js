// Plots, drawn by the page.

import { el, svg } from "../page-parts/element.js";

const WIDTH = 640;
const HEIGHT = 220;
const EDGE = { top: 12, right: 12, bottom: 28, left: 56 };

/**
 * Values over time with their intervals.
 *
 * @param {string} label What the picture shows.
 * @param {{x: number, value: number, low?: number | null, high?: number | null, label: string}[]} points In order.
 * @param {(x: number) => string} tick
 */
export function linePlot(label, points, tick) {
  const lows = points.map((one) => one.low ?? one.value);
  const highs = points.map((one) => one.high ?? one.value);
  const across = scale(points[0].x, points.at(-1).x, EDGE.left, WIDTH - EDGE.right);
  const up = scale(...room(Math.min(...lows), Math.max(...highs)), HEIGHT - EDGE.bottom, EDGE.top);
  const at = (one) => `${across(one.x).toFixed(1)},${up(one.value).toFixed(1)}`;
  return el(
    "figure",
    { class: "plot" },
    svg(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label },
      ...levels(up.domain).flatMap((value) => grid(up(value), value)),
      ...points.filter((one) => one.low !== null && one.low !== undefined).map((one) => svg("path", { class: "interval", d: `M${across(one.x)} ${up(one.low)}V${up(one.high)}` })),
      svg("polyline", { class: "line", points: points.map(at).join(" ") }),
      ...points.map((one) => svg("circle", { class: "dot", cx: across(one.x), cy: up(one.value), r: 3.5 }, svg("title", { text: one.label }))),
      svg("text", { class: "tick", x: EDGE.left, y: HEIGHT - 8, text: tick(points[0].x) }),
      points.length > 1 ? svg("text", { class: "tick end", x: WIDTH - EDGE.right, y: HEIGHT - 8, text: tick(points.at(-1).x) }) : null,
    ),
    el("figcaption", { text: label }),
  );
}

/** A row of values as a line without axes. @param {string} label @param {number[]} values */
export function spark(label, values) {
  const most = Math.max(...values, 1e-9);
  const across = scale(0, Math.max(values.length - 1, 1), 1, 159);
  const line = values.map((value, place) => `${across(place).toFixed(1)},${(31 - (29 * value) / most).toFixed(1)}`).join(" ");
  return svg("svg", { viewBox: "0 0 160 32", class: "spark", role: "img", "aria-label": label }, svg("polyline", { class: "line", points: line }));
}

/**
 * Differences with their intervals beside zero.
 *
 * @param {string} label
 * @param {{name: string, value: number | null, low: number | null, high: number | null}[]} rows
 * @param {(value: number) => string} say
 */
export function forest(label, rows, say) {
  const known = rows.flatMap((one) => [one.value, one.low, one.high]).filter((one) => one !== null && one !== undefined);
  const across = scale(...room(Math.min(0, ...known), Math.max(0, ...known)), 190, WIDTH - 20);
  const step = 34;
  const height = rows.length * step + 30;
  const [left, right] = [190, WIDTH - 20];
  const line = (one, place) => {
    const y = place * step + 20;
    const name = svg("text", { class: "tick", x: 4, y: y + 4, text: one.name });
    if (one.value === null || one.value === undefined) return [name, svg("text", { class: "tick", x: left, y: y + 4, text: "not enough data" })];
    const interval = svg("path", { class: "interval", d: `M${one.low === null ? left : across(one.low)} ${y}H${one.high === null ? right : across(one.high)}` });
    return [name, interval, svg("circle", { class: "dot", cx: across(one.value), cy: y, r: 4 }, svg("title", { text: `${one.name}: ${say(one.value)}` }))];
  };
  return el(
    "figure",
    { class: "plot" },
    svg(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": label },
      svg("path", { class: "zero", d: `M${across(0)} 6V${height - 24}` }),
      ...rows.flatMap(line),
      ...across.domain.map((value, place) => svg("text", { class: place ? "tick end" : "tick", x: place ? right : left, y: height - 6, text: say(value) })),
    ),
    el("figcaption", { text: label }),
  );
}

function scale(from, to, first, last) {
  const size = to - from || 1;
  const place = (value) => first + ((value - from) / size) * (last - first);
  return Object.assign(place, { domain: [from, to] });
}

/** A little more than the values need. */
function room(low, high) {
  const more = (high - low || Math.abs(high) || 1) * 0.08;
  return [low - more, high + more];
}

function levels([low, high]) {
  return [0.1, 0.5, 0.9].map((share) => low + share * (high - low));
}

function grid(y, value) {
  return [svg("path", { class: "grid-line", d: `M${EDGE.left} ${y}H${WIDTH - EDGE.right}` }), svg("text", { class: "tick end", x: EDGE.left - 6, y: y + 4, text: value.toPrecision(3) })];
}
