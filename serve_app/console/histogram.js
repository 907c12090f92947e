// Quantiles of what was counted into buckets.

/** What came in between two counts of the same thing; all of it where there was no first. */
export function between(before, now) {
  if (!before || before.count > now.count) return now;
  return { name: now.name, count: now.count - before.count, sum_s: now.sum_s - before.sum_s, within: now.within.map((one, place) => one - before.within[place]) };
}

/**
 * A quantile in seconds, straight between two bounds; `null` beyond the last one, `undefined` of nothing.
 *
 * @param {{count: number, within: number[]}} times @param {number[]} bounds @param {number} share
 */
export function quantile({ count, within }, bounds, share) {
  if (!count) return undefined;
  const rank = share * count;
  const place = within.findIndex((one) => one >= rank);
  if (place < 0) return null;
  const [low, below] = place ? [bounds[place - 1], within[place - 1]] : [0, 0];
  const inside = within[place] - below;
  return inside ? low + ((bounds[place] - low) * (rank - below)) / inside : bounds[place];
}
