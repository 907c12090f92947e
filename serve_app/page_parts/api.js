// The service behind a page: the same API that a shop's own server calls.

export class ApiError extends Error {
  /** @param {number} status @param {string} message */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export class Api {
  #base;
  #keyName;
  #who;
  #asking = null;

  /**
   * @param {URL} base Where the API's paths begin.
   * @param {{keyName: string, who: string}} page Name of the key in this tab's storage, and of the service in messages.
   */
  constructor(base, { keyName, who }) {
    this.#base = base;
    this.#keyName = keyName;
    this.#who = who;
    /** Asks the person for a key; set by whoever can. @type {() => Promise<string>} */
    this.onKeyNeeded = () => Promise.reject(new ApiError(401, "This needs a key."));
  }

  get key() {
    return sessionStorage.getItem(this.#keyName) ?? undefined;
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

  put(path, body, options) {
    return this.#ask("PUT", path, body, options);
  }

  delete(path, options) {
    return this.#ask("DELETE", path, undefined, options);
  }

  /** Let the next request ask for a key anew. */
  forgetKey() {
    sessionStorage.removeItem(this.#keyName);
  }

  async #ask(method, path, body, options = {}) {
    for (;;) {
      const key = this.key;
      const response = await this.#reached(new URL(path, this.#base), request(method, body, key, options));
      if (response.ok) return response.json();
      if (response.status !== 401) throw new ApiError(response.status, await this.#said(response));
      if (key === this.key) await this.#newKey();
    }
  }

  /** One question to the person, however many requests wait for its answer. */
  async #newKey() {
    this.#asking ??= this.onKeyNeeded().finally(() => (this.#asking = null));
    sessionStorage.setItem(this.#keyName, await this.#asking);
  }

  async #reached(url, request) {
    try {
      return await fetch(url, request);
    } catch (error) {
      throw error.name === "AbortError" ? error : new ApiError(0, `${this.#who} cannot be reached.`);
    }
  }

  async #said(response) {
    const problem = await response.json().catch(() => ({}));
    return problem.message ?? `${this.#who} answered ${response.status}.`;
  }
}

function request(method, body, key, { signal, headers: more = {} }) {
  const headers = key ? { ...more, Authorization: `Bearer ${key}` } : more;
  if (body === undefined) return { method, headers, signal };
  return { method, headers: { ...headers, "Content-Type": "application/json" }, body: JSON.stringify(body), signal };
}
