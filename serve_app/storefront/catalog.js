// Items and categories, each asked for once.

const MOST_AT_ONCE = 100;

export class Catalog {
  #api;
  #items = new Map();
  #categories = null;

  /** @param {import("./api.js").ShopApi} api */
  constructor(api) {
    this.#api = api;
  }

  /** Items by id; what the catalog does not have is absent. @returns {Promise<Map<string, any>>} */
  async items(ids, options) {
    const missing = [...new Set(ids)].filter((id) => !this.#items.has(id));
    for (let start = 0; start < missing.length; start += MOST_AT_ONCE) {
      const query = new URLSearchParams();
      missing.slice(start, start + MOST_AT_ONCE).forEach((id) => query.append("item_id", id));
      const answer = await this.#api.get(`v1/items?${query}`, options);
      answer.items.forEach((item) => this.#items.set(item.item_id, item));
    }
    return new Map(ids.filter((id) => this.#items.has(id)).map((id) => [id, this.#items.get(id)]));
  }

  /** One item as it is now; throws where it is not there. */
  async item(id, options) {
    this.#items.delete(id);
    const item = (await this.items([id], options)).get(id);
    if (!item) throw Object.assign(new Error("There is no such item."), { status: 404 });
    return item;
  }

  /** @returns {Promise<{category: string, name: string, parent: string | null, items: number}[]>} */
  categories() {
    this.#categories ??= this.#api.get("v1/categories").then((answer) => answer.categories);
    this.#categories.catch(() => (this.#categories = null));
    return this.#categories;
  }
}
