// Tells the recommender what a shopper does. Embed it in any shop:
//
//     import { createTag } from "https://recommender.example/store/tag.js";
//     const tag = createTag({ endpoint: "https://recommender.example" });
//     tag.track("click", "item-00042", { recommendationId, position: 3 });
//
// Events wait in localStorage until the service has acknowledged them: offline, a closed page or an outage
// loses none, and each has an id by which the service counts it once. Types: tag.d.ts.

const MAX_BATCH = 50;
const BATCH_DELAY_MS = 500;
const MAX_WAITING = 1000;
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 60_000;
const TIMEOUT_MS = 10_000;
const KEEPALIVE_BYTES = 60_000; // browsers allow 64 KiB in requests that outlive their page
const SESSION_IDLE_MS = 30 * 60_000;
const SEEN_SHARE = 0.5;
const SEEN_MS = 1000;
const NEVER_TAKEN = new Set([400, 413, 422]);

/**
 * @typedef {import("./tag.js").EventDetails} Details
 * @typedef {{event_id: string, occurred_at: string}} Event As the API takes it, with more fields.
 */

/** @param {import("./tag.js").TagOptions} options */
export function createTag(options) {
  return new Tag(options);
}

class Tag extends EventTarget {
  #url;
  #waiting;
  #userId;
  #visitorId;
  #renewsVisitor;
  #mostAtOnce = MAX_BATCH;
  #retryMs = 0;
  #retryAt = 0;
  #timer = 0;
  #timerAt = Infinity;
  /** @type {Promise<boolean> | null} */
  #draining = null;
  /** @type {Set<string>} */
  #underWay = new Set();
  /** @type {IntersectionObserver | null} */
  #observer = null;
  /** @type {Map<Element, {itemId: string, details: Details, timer: number}>} */
  #watched = new Map();
  #listening = new AbortController();

  /** @param {import("./tag.js").TagOptions} options */
  constructor({ endpoint, key, userId = null, visitorId }) {
    super();
    const base = String(endpoint).replace(/\/+$/, "");
    this.#url = `${base}/v1/events:batch`;
    this.#waiting = new WaitingEvents(`recsys.event:${base}:`);
    /** The API key; may be set later. @type {string | undefined} */
    this.key = key;
    this.#userId = userId;
    this.#renewsVisitor = visitorId === undefined;
    this.#visitorId = visitorId === undefined ? keptVisitor() : visitorId;
    const { signal } = this.#listening;
    addEventListener("online", () => void this.flush(), { signal });
    addEventListener("pagehide", () => this.#leave(), { signal });
    document.addEventListener(
      "visibilitychange",
      () => document.visibilityState === "hidden" && this.#leave(),
      { signal },
    );
    if (this.waiting) this.#schedule(0); // what an earlier page could not send
  }

  /** How many events are not acknowledged yet. */
  get waiting() {
    return this.#waiting.size;
  }

  /**
   * Note an event; it is sent within half a second. Its id.
   *
   * @param {string} eventType @param {string} itemId @param {Details} [details]
   */
  track(eventType, itemId, { recommendationId, position, value, reviewText } = {}) {
    const event = {
      event_id: uuid(),
      event_type: eventType,
      item_id: itemId,
      user_id: this.#userId ?? undefined,
      visitor_id: this.#visitorId ?? undefined,
      session_id: session(),
      recommendation_id: recommendationId,
      position,
      value,
      review_text: reviewText,
      occurred_at: new Date().toISOString(),
    };
    this.#waiting.add(event);
    this.#tell("waiting", { waiting: this.waiting });
    this.#schedule(this.waiting >= MAX_BATCH ? 0 : BATCH_DELAY_MS);
    return event.event_id;
  }

  /**
   * The shopper has signed in: what this visitor did and does belongs to the account from now on.
   * `null` signs out, and the next events are a new visitor's.
   *
   * @param {string | null} userId
   */
  identify(userId) {
    if (userId === null && this.#userId !== null && this.#renewsVisitor) this.#visitorId = newVisitor();
    this.#userId = userId;
  }

  /**
   * Note an impression once, when half of the element has been in view for a second. What comes back stops it.
   *
   * @param {Element} element @param {string} itemId @param {Details} [details]
   */
  observe(element, itemId, details = {}) {
    this.#observer ??= new IntersectionObserver((entries) => entries.forEach((one) => this.#look(one)), {
      threshold: SEEN_SHARE,
    });
    this.#watched.set(element, { itemId, details, timer: 0 });
    this.#observer.observe(element);
    return () => this.#unwatch(element);
  }

  /** Send what waits, now. Resolves to whether the service has acknowledged everything. */
  flush() {
    this.#draining ??= this.#drain();
    return this.#draining;
  }

  /** Stop listening and sending; what waits is sent by the next tag of this origin. */
  close() {
    this.#listening.abort();
    this.#observer?.disconnect();
    this.#watched.forEach(({ timer }) => clearTimeout(timer));
    clearTimeout(this.#timer);
  }

  async #drain() {
    await null; // so that `flush` has kept this promise before it can end
    clearTimeout(this.#timer);
    this.#timerAt = Infinity;
    for (;;) {
      const batch = this.#waiting.oldest(this.#mostAtOnce);
      // Cleared in the same step as the look: an event tracked after it starts a round of its own.
      if (batch.length === 0 || !(await this.#send(batch))) break;
    }
    this.#draining = null;
    const done = this.waiting === 0;
    if (!done) this.#schedule(0);
    return done;
  }

  /** Send one batch; whether it need not be sent again. @param {Event[]} batch */
  async #send(batch) {
    const ids = batch.map((event) => event.event_id);
    ids.forEach((id) => this.#underWay.add(id));
    try {
      const response = await this.#post(JSON.stringify({ events: batch }));
      if (response.status === 413 && batch.length > 1) {
        this.#mostAtOnce = batch.length >> 1;
        return true;
      }
      if (!response.ok && !NEVER_TAKEN.has(response.status)) {
        this.#backOff(1000 * Number(response.headers.get("Retry-After") ?? 0));
        return false;
      }
      this.#waiting.remove(ids);
      this.#retryMs = this.#retryAt = 0;
      const answer = await response.json().catch(() => ({}));
      this.#tell(response.ok ? "sent" : "refused", { answer, events: batch, waiting: this.waiting });
      return true;
    } catch {
      this.#backOff(0);
      return false;
    } finally {
      ids.forEach((id) => this.#underWay.delete(id));
    }
  }

  /** @param {string} body */
  #post(body) {
    /** @type {Record<string, string>} */
    const headers = { "Content-Type": "application/json" };
    if (this.key) headers.Authorization = `Bearer ${this.key}`;
    const keepalive = body.length < KEEPALIVE_BYTES;
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    return fetch(this.#url, { method: "POST", headers, body, keepalive, signal });
  }

  /** The page may end now: what is not under way goes at once, by a request that outlives the page. */
  #leave() {
    const batch = this.#waiting.oldest(MAX_BATCH).filter((one) => !this.#underWay.has(one.event_id));
    if (batch.length === 0) return;
    if ("keepalive" in Request.prototype || this.key) return void this.#send(batch);
    // Its answer is never seen, so that the next page sends them again; the ids keep the count right.
    navigator.sendBeacon(
      this.#url,
      new Blob([JSON.stringify({ events: batch })], { type: "application/json" }),
    );
  }

  /** @param {number} leastMs */
  #backOff(leastMs) {
    this.#retryMs = Math.min(LONGEST_RETRY_MS, Math.max(FIRST_RETRY_MS, 2 * this.#retryMs));
    const wait = Math.max(leastMs, this.#retryMs * (0.75 + Math.random() / 2));
    this.#retryAt = Date.now() + wait;
    this.#tell("waiting", { waiting: this.waiting });
  }

  /** @param {number} delayMs */
  #schedule(delayMs) {
    const at = Math.max(Date.now() + delayMs, this.#retryAt);
    if (at >= this.#timerAt || this.#listening.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = window.setTimeout(() => void this.flush(), at - Date.now());
  }

  /** @param {IntersectionObserverEntry} entry */
  #look({ target, isIntersecting }) {
    const watched = this.#watched.get(target);
    if (!watched) return;
    clearTimeout(watched.timer);
    if (!isIntersecting) return;
    watched.timer = window.setTimeout(() => {
      if (document.visibilityState === "hidden") return;
      this.#unwatch(target);
      this.track("impression", watched.itemId, watched.details);
    }, SEEN_MS);
  }

  /** @param {Element} element */
  #unwatch(element) {
    clearTimeout(this.#watched.get(element)?.timer);
    this.#watched.delete(element);
    this.#observer?.unobserve(element);
  }

  /** @param {string} name @param {object} detail */
  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** Events in localStorage, each under a key of its own: tabs neither wait for nor overwrite each other. */
class WaitingEvents {
  #prefix;
  /** Where there is no storage, or it is full. @type {Map<string, Event>} */
  #kept = new Map();

  /** @param {string} prefix */
  constructor(prefix) {
    this.#prefix = prefix;
  }

  get size() {
    return this.#keys().length + this.#kept.size;
  }

  /** @param {Event} event */
  add(event) {
    try {
      localStorage.setItem(this.#prefix + event.event_id, JSON.stringify(event));
    } catch {
      this.#kept.set(event.event_id, event);
    }
    if (this.size > MAX_WAITING) this.remove([this.oldest(1)[0].event_id]);
  }

  /** @param {number} most @returns {Event[]} */
  oldest(most) {
    const stored = this.#keys().map((key) => parsed(localStorage.getItem(key)));
    const all = [...stored.filter((event) => event !== null), ...this.#kept.values()];
    return all.sort((a, b) => (a.occurred_at < b.occurred_at ? -1 : 1)).slice(0, most);
  }

  /** @param {string[]} ids */
  remove(ids) {
    for (const id of ids) {
      this.#kept.delete(id);
      try {
        localStorage.removeItem(this.#prefix + id);
      } catch {
        // No storage, so it was not there.
      }
    }
  }

  #keys() {
    try {
      return Object.keys(localStorage).filter((key) => key.startsWith(this.#prefix));
    } catch {
      return [];
    }
  }
}

/** @param {string | null} text @returns {Event | null} */
function parsed(text) {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return null;
  }
}

/** A random id; `randomUUID` is there on secure pages only. */
function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}

function keptVisitor() {
  return stored(() => localStorage.getItem("recsys.visitor")) ?? newVisitor();
}

function newVisitor() {
  const id = `v-${uuid()}`;
  stored(() => localStorage.setItem("recsys.visitor", id));
  return id;
}

/** Id of the visit: one tab's until half an hour without an event. */
function session() {
  const [id, at] = (stored(() => sessionStorage.getItem("recsys.session")) ?? " 0").split(" ");
  const current = id && Date.now() - Number(at) < SESSION_IDLE_MS ? id : uuid();
  stored(() => sessionStorage.setItem("recsys.session", `${current} ${Date.now()}`));
  return current;
}

/** @template T @param {() => T} use @returns {T | null} */
function stored(use) {
  try {
    return use();
  } catch {
    return null; // storage is switched off
  }
}
