// Figures as people read them.

const whole = new Intl.NumberFormat("en");
const UNITS = [
  [86400, "d"],
  [3600, "h"],
  [60, "min"],
];

/** A number with its thousands apart, or a dash for none. */
export function number(value, digits = 0) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  return digits ? value.toFixed(digits) : whole.format(Math.round(value));
}

export function percent(share, digits = 1) {
  return share === null || share === undefined ? "–" : `${(100 * share).toFixed(digits)} %`;
}

/** A time span in its two largest units. */
export function span(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  for (const [size, unit] of UNITS) {
    if (seconds >= size) return `${whole.format(Math.floor(seconds / size))} ${unit}`;
  }
  return `${Math.max(0, Math.round(seconds))} s`;
}

/** Milliseconds of a quantile; `null` is beyond the last bound. */
export function milliseconds(seconds, mostS) {
  if (seconds === undefined) return "–";
  if (seconds === null) return `> ${1000 * mostS} ms`;
  const ms = 1000 * seconds;
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

/** A moment in UTC, to the second. */
export function moment(iso) {
  return iso ? iso.slice(0, 19).replace("T", " ") : "–";
}

export function rate(perS) {
  if (perS === undefined) return "–";
  return `${perS < 10 ? perS.toFixed(1) : Math.round(perS)}/s`;
}
