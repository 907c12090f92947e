// Everything the views share: who shops, what is known of the catalog, and what a click does.

import { Announcer } from "../page-parts/announcer.js";
import { ShopApi } from "./api.js";
import { Catalog } from "./catalog.js";
import { ForYou } from "./foryou.js";
import { spoken } from "./movement.js";
import { Shelf } from "./shelf.js";
import { Shopper } from "./shopper.js";
import { createTag } from "./tag.js";

export class Shop {
  /** @param {URL} base Where the API is. @param {HTMLElement} voice @param {HTMLElement} note */
  constructor(base, voice, note) {
    this.api = new ShopApi(base);
    this.catalog = new Catalog(this.api);
    this.shopper = new Shopper();
    this.cart = new Shelf("cart", this.shopper);
    this.liked = new Shelf("liked", this.shopper);
    this.forYou = new ForYou(this.api, this.shopper);
    this.announcer = new Announcer(voice, note);
    // No visitor: going on as another shopper must not make both one person.
    const who = { userId: this.shopper.userId, visitorId: null };
    this.tag = createTag({ endpoint: this.api.endpoint, key: this.api.key, ...who });
    this.shopper.addEventListener("change", () => this.tag.identify(this.shopper.userId));
  }

  /** Note what the shopper does; when it is durable, ask for the list again and say what has moved. */
  async act(eventType, id, details = {}) {
    this.tag.key = this.api.key;
    this.tag.track(eventType, id, details);
    await this.tag.flush();
    const before = this.forYou.answer;
    await this.forYou.ask();
    if (this.forYou.answer !== before) this.#tellMovement();
  }

  like(id, title, details) {
    if (this.liked.count(id)) return this.announcer.note(`You like ${title} already.`);
    this.liked.set(id, 1);
    this.announcer.note(`You like ${title}.`);
    return this.act("like", id, details);
  }

  dismiss(id, title, details) {
    this.announcer.note(`Not for you: ${title}.`);
    return this.act("dismiss", id, details);
  }

  addToCart(id, title, details) {
    this.cart.set(id, this.cart.count(id) + 1);
    this.announcer.note(`${title} is in your cart.`);
    return this.act("add_to_cart", id, details);
  }

  removeFromCart(id, title) {
    this.cart.set(id, 0);
    this.announcer.note(`${title} is out of your cart.`);
    return this.act("remove_from_cart", id);
  }

  rate(id, title, stars) {
    this.announcer.note(`${stars} of 5 stars for ${title}.`);
    return this.act("rating", id, { value: stars });
  }

  /** Buy everything in the cart, each item by an event of its own. */
  async buy() {
    const bought = this.cart.ids.map((id) => [id, this.cart.count(id)]);
    this.cart.clear();
    this.announcer.note("Thank you. This is a show: nothing is paid and nothing is sent.");
    bought.slice(1).forEach(([id, value]) => this.tag.track("purchase", id, { value }));
    if (bought.length) await this.act("purchase", bought[0][0], { value: bought[0][1] });
  }

  #tellMovement() {
    const { answer, movement } = this.forYou;
    if (!answer || !movement) return;
    const titles = new Map(answer.items.map((item) => [item.item_id, item.title ?? item.item_id]));
    this.announcer.say(spoken(movement, (id) => titles.get(id)));
  }
}
