// The page's beginning: puts the parts together and follows the address.

import { askForKey } from "../page-parts/dialog.js";
import { Router } from "../page-parts/router.js";
import { followSkipLink } from "../page-parts/skip_link.js";
import { Picker } from "./dialog.js";
import { Panel } from "./panel.js";
import { Shop } from "./shop.js";
import { cartView } from "./views/cart.js";
import { categoryView } from "./views/category.js";
import { homeView } from "./views/home.js";
import { itemView } from "./views/item.js";
import { likedView } from "./views/liked.js";
import { searchView } from "./views/search.js";
import { Watch } from "./watch.js";

const TYPING_MS = 180;
const WORDS = { site: "Store", missing: "Not in this shop", failed: "The shop does not answer", home: "To the start" };
const KEY = {
  title: "This shop needs a key",
  scopes: "With the scopes recommend and events:write; with admin you also see profiles and can choose a shopper.",
};
const byId = (id) => document.getElementById(id);

const shop = new Shop(new URL("../", document.baseURI), byId("voice"), byId("note"));
const picker = new Picker(shop);
const views = { "": homeView, search: searchView, category: categoryView, item: itemView, cart: cartView, liked: likedView };
const bound = Object.entries(views).map(([name, view]) => [name, (parameters) => view(shop, parameters, picker)]);
const router = new Router(Object.fromEntries(bound), byId("main"), WORDS);

shop.api.onKeyNeeded = async () => {
  const key = await askForKey(KEY);
  shop.tag.key = key;
  return key;
};
new Panel(shop, byId("panel"), byId("panel-button"));
new Watch(shop, byId("watch"));

followShopper();
followCart();
followSearch();
followNetwork();
followSkipLink();
router.addEventListener("shown", () => {
  document.body.classList.toggle("at-home", router.path === "/");
  if (!router.path.startsWith("/search")) byId("search").value = "";
});
void router.show();
void shop.forYou.first();

function followShopper() {
  const name = byId("shopper-name");
  const show = () => (name.textContent = shop.shopper.isNew ? "New shopper" : shop.shopper.userId);
  byId("shopper-button").addEventListener("click", () => void picker.open());
  shop.shopper.addEventListener("change", () => {
    show();
    shop.announcer.note(`You are now ${shop.shopper.name}.`);
    void router.show({ quietly: true });
  });
  show();
}

function followCart() {
  const show = () => {
    byId("cart-count").textContent = String(shop.cart.size);
    byId("cart-link").setAttribute("aria-label", `Cart, ${shop.cart.size} ${shop.cart.size === 1 ? "item" : "items"}`);
  };
  shop.cart.addEventListener("change", show);
  show();
}

function followSearch() {
  let timer = 0;
  const input = byId("search");
  const look = () => {
    clearTimeout(timer);
    const path = `/search?${new URLSearchParams({ q: input.value.trim() })}`;
    if (!input.value.trim()) return;
    if (router.path.startsWith("/search")) router.go(path, { quietly: true });
    else {
      history.pushState(null, "", `#${path}`);
      void router.show({ quietly: true });
    }
  };
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, TYPING_MS);
  });
  byId("search-form").addEventListener("submit", (event) => {
    event.preventDefault();
    look();
  });
}

function followNetwork() {
  const place = byId("offline");
  const show = () => {
    const waiting = shop.tag.waiting;
    place.hidden = navigator.onLine;
    place.textContent = `You are offline. ${waiting ? `${waiting} of your clicks wait to be sent.` : "Your clicks will be kept."}`;
  };
  addEventListener("offline", show);
  addEventListener("online", async () => {
    show();
    await shop.tag.flush();
    await shop.forYou.ask();
  });
  shop.tag.addEventListener("waiting", show);
  shop.tag.addEventListener("sent", show);
  show();
}
