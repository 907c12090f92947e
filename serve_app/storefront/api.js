// The service behind the page: the same API that a shop's own server calls.

const KEY = "store.key";

export class ApiError extends Error {
  /** @param {number} status @param {string} message */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export class ShopApi {
  #base;
  #asking = null;

  /** @param {URL} base Where the API's paths begin. */
  constructor(base) {
    this.#base = base;
    /** Asks the person for a key; set by whoever can. @type {() => Promise<string>} */
    this.onKeyNeeded = () => Promise.reject(new ApiError(401, "This needs a key."));
  }

  get key() {
    return sessionStorage.getItem(KEY) ?? undefined;
  }

  get endpoint() {
    return this.#base.href.replace(/\/$/, "");
  }

  get(path, options) {
    return this.#ask("GET", path, undefined, options);
  }

  post(path, body, options) {
    return this.#ask("POST", path, body, options);
  }

  /** A shopper's list. @param {object} body `/v1/recommend` */
  recommend(body, options) {
    return this.post("v1/recommend", body, options);
  }

  async #ask(method, path, body, { signal } = {}) {
    for (;;) {
      const key = this.key;
      const response = await reached(new URL(path, this.#base), this.#request(method, body, key, signal));
      if (response.ok) return response.json();
      if (response.status !== 401) throw new ApiError(response.status, await said(response));
      if (key === this.key) await this.#newKey();
    }
  }

  #request(method, body, key, signal) {
    const headers = key ? { Authorization: `Bearer ${key}` } : {};
    if (body === undefined) return { method, headers, signal };
    return { method, headers: { ...headers, "Content-Type": "application/json" }, body: JSON.stringify(body), signal };
  }

  /** One question to the person, however many requests wait for its answer. */
  async #newKey() {
    this.#asking ??= this.onKeyNeeded().finally(() => (this.#asking = null));
    sessionStorage.setItem(KEY, await this.#asking);
  }
}

async function reached(url, request) {
  try {
    return await fetch(url, request);
  } catch (error) {
    throw error.name === "AbortError" ? error : new ApiError(0, "The shop cannot be reached.");
  }
}

async function said(response) {
  const problem = await response.json().catch(() => ({}));
  return problem.message ?? `The shop answered ${response.status}.`;
}
