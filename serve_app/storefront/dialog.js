// The question in front of the page: who is shopping.

import { head, modal } from "../page-parts/dialog.js";
import { el } from "../page-parts/element.js";

/** Lets one choose a shopper with a history, or begin as a new one. */
export class Picker {
  #shop;
  #dialog;
  #shoppers = null;

  /** @param {any} shop */
  constructor(shop) {
    this.#shop = shop;
    this.#dialog = modal("who", "Who is shopping?");
    document.body.append(this.#dialog);
  }

  /** Shoppers with histories; none where the key may not see them. @returns {Promise<any[]>} */
  shoppers() {
    this.#shoppers ??= this.#shop.api.get("store/shoppers.json").then(
      (answer) => answer.shoppers,
      () => [],
    );
    return this.#shoppers;
  }

  async open() {
    const shoppers = await this.shoppers();
    const list = el("ul", { class: "people", role: "list" }, ...shoppers.map((one) => el("li", {}, this.person(one))));
    const known = shoppers.length ? [el("p", { text: "Go on as somebody with a history:" }), list] : [];
    this.#dialog.replaceChildren(head(this.#dialog, "who", "Who is shopping?"), this.#newcomer(), ...known);
    this.#dialog.showModal();
  }

  /** A button that makes one this shopper. */
  person(one) {
    const isNow = one.user_id === this.#shop.shopper.userId;
    const choose = () => {
      this.#dialog.close();
      this.#shop.shopper.choose(one);
    };
    return el(
      "button",
      { class: "person", type: "button", "aria-current": isNow && "true", on: { click: choose } },
      el("strong", { text: one.user_id }),
      el("span", { text: one.interests.join(", ") }),
    );
  }

  #newcomer() {
    const name = el("input", { id: "new-name", name: "name", maxlength: 64, autocomplete: "off", autocapitalize: "off" });
    const create = (event) => {
      event.preventDefault();
      this.#dialog.close();
      this.#shop.shopper.create(name.value);
    };
    return el(
      "form",
      { class: "newcomer", on: { submit: create } },
      el("label", { for: "new-name", text: "Be a new shopper, with a name if you like" }),
      el("div", { class: "together" }, name, el("button", { class: "button primary", text: "Start new" })),
    );
  }
}
