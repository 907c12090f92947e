// What a click has changed about a list.

/**
 * @typedef {{kind: "new" | "up" | "down" | "same", by: number}} Move
 * @typedef {{moves: Map<string, Move>, left: string[]}} Movement
 */

/**
 * Where each item of a list has come from. Ids that the earlier list did not have are `new`; places are
 * compared as they are, so that an item below one that left has moved up.
 *
 * @param {string[]} before @param {string[]} after @returns {Movement}
 */
export function movement(before, after) {
  const places = new Map(before.map((id, place) => [id, place]));
  const moves = new Map(after.map((id, place) => [id, move(places.get(id), place)]));
  return { moves, left: before.filter((id) => !moves.has(id)) };
}

/** The movement in words, for those who hear the page. @param {Movement} moved @param {(id: string) => string} titleOf */
export function spoken({ moves, left }, titleOf) {
  const of = (kind) => [...moves].filter(([, one]) => one.kind === kind).map(([id]) => id);
  const [fresh, up, down] = [of("new"), of("up"), of("down")];
  if (!fresh.length && !up.length && !down.length && !left.length) return "Your list stays as it is.";
  const named = fresh.slice(0, 2).map(titleOf).join(", ");
  const parts = [
    fresh.length && `${fresh.length} new: ${named}${fresh.length > 2 ? " and others" : ""}`,
    up.length && `${up.length} moved up`,
    down.length && `${down.length} moved down`,
    left.length && `${left.length} left`,
  ];
  return `Your list has changed. ${parts.filter(Boolean).join("; ")}.`;
}

/** A move as a mark on a card. @param {Move} one */
export function markOf({ kind, by }) {
  if (kind === "new") return { text: "New", label: "New in your list" };
  if (kind === "same") return null;
  const [arrow, word] = kind === "up" ? ["↑", "up"] : ["↓", "down"];
  return { text: `${arrow} ${by}`, label: `Moved ${word} by ${by}` };
}

function move(before, after) {
  if (before === undefined) return { kind: "new", by: 0 };
  const by = before - after;
  return { kind: by > 0 ? "up" : by < 0 ? "down" : "same", by: Math.abs(by) };
}
