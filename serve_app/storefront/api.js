// The shop's API, with the call that the page makes most.

import { Api } from "../page-parts/api.js";

export class ShopApi extends Api {
  /** @param {URL} base Where the API's paths begin. */
  constructor(base) {
    super(base, { keyName: "store.key", who: "The shop" });
  }

  /** A shopper's list. @param {object} body `/v1/recommend` */
  recommend(body, options) {
    return this.post("v1/recommend", body, options);
  }
}
