// Who is shopping in this tab.

const WHO = "store.shopper";

export class Shopper extends EventTarget {
  #who;

  constructor() {
    super();
    this.#who = JSON.parse(sessionStorage.getItem(WHO) ?? "null");
    if (!this.#who) this.#become(newId(), [], true);
  }

  get userId() {
    return this.#who.userId;
  }

  /** Names of categories that a chosen shopper cares for. @returns {string[]} */
  get interests() {
    return this.#who.interests;
  }

  /** Whether nobody was chosen or named yet. */
  get isNew() {
    return this.#who.isNew;
  }

  get name() {
    return this.#who.isNew ? "a new shopper" : this.#who.userId;
  }

  /** Go on as a shopper who is there already. */
  choose({ user_id: userId, interests = [] }) {
    this.#become(userId, interests, false);
    this.dispatchEvent(new Event("change"));
  }

  /** Go on as somebody of whom nothing is known; with a name where one was given. */
  create(name = "") {
    const given = name.trim();
    this.#become(given || newId(), [], !given);
    this.dispatchEvent(new Event("change"));
  }

  #become(userId, interests, isNew) {
    this.#who = { userId, interests, isNew };
    sessionStorage.setItem(WHO, JSON.stringify(this.#who));
  }
}

function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(4));
  return `new-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
