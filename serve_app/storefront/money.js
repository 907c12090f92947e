// Prices in the reader's way of writing them.

/** A price, or an empty text where the catalog has none. */
export function price({ price_minor: minor, currency }, count = 1) {
  if (minor === null || minor === undefined) return "";
  if (!currency) return String((minor * count) / 100);
  try {
    const format = new Intl.NumberFormat(undefined, { style: "currency", currency });
    const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
    return format.format((minor * count) / 10 ** digits);
  } catch {
    return `${(minor * count) / 100} ${currency}`; // a code that the browser does not know
  }
}

/** The sum of several items, or an empty text where a price is missing or currencies differ. */
export function total(items, countOf) {
  const currencies = new Set(items.map((item) => item.currency));
  if (currencies.size !== 1 || items.some((item) => item.price_minor === null)) return "";
  const minor = items.reduce((sum, item) => sum + item.price_minor * countOf(item.item_id), 0);
  return price({ price_minor: minor, currency: [...currencies][0] });
}
