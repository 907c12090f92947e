// Pictures of items: the catalog's own, or a drawn card in the colours of the category.

import { svg, el } from "../page-parts/element.js";

const DRAWN = [
  [/coffee|tea\b|mug|cup|kettle/i, "M5 9h11v5a5 5 0 0 1-5 5h-1a5 5 0 0 1-5-5zM16 10h1.5a2.5 2.5 0 0 1 0 5H16M8 3v3M12 3v3"],
  [/bake|bread|cake|food|grocer/i, "M4 13a4 4 0 0 1 2-7h12a4 4 0 0 1 2 7v6H4zM9 10v4M13 10v4"],
  [/cookware|pan\b|grill|stove/i, "M3 11h13v2a5 5 0 0 1-5 5H8a5 5 0 0 1-5-5zM16 12h6M7 7c0-1 1-1 1-2M11 7c0-1 1-1 1-2"],
  [/kni(fe|ves)|board/i, "M4 20L14 10M14 10l5-6c2 4 0 8-3 10z"],
  [/appliance|electr/i, "M9 3v5M15 3v5M6 8h12v3a6 6 0 0 1-12 0zM12 17v4"],
  [/running|shoe|fitness|strength|sport/i, "M3 16v-5l4 1 3-4c1 3 4 5 8 6 2 .4 3 1.5 3 4H3zM10 12l2-1.5M13 14l1.5-1.5"],
  [/camp|tent|travel|luggage/i, "M12 5L3 19h18zM12 5v0M12 12l-4 7M12 12l4 7"],
  [/cycl|bike/i, "M6 19a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM18 19a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM6 15.5L10 9h5l3 6.5M10 9l3 6.5M9 6.5h2"],
  [/climb|mountain|ski|winter|snow/i, "M3 19l6-11 4 6 3-4 5 9zM9 8l1.5 4"],
  [/fish|boat|water|swim/i, "M4 12c3-5 9-5 12 0-3 5-9 5-12 0zM16 12l4-4v8zM8 11v0"],
  [/light|lamp|candle/i, "M8 4h8l3 8H5zM12 12v7M8 20h8"],
  [/bed\b|bedding|sleep|pillow/i, "M3 7v11M3 14h18v4M21 14a4 4 0 0 0-4-4h-6v4M6.5 11.5a1.5 1.5 0 1 0 0-.1z"],
  [/stor|shel[fv]|box|pouch/i, "M4 8l8-4 8 4v9l-8 4-8-4zM4 8l8 4 8-4M12 12v9"],
  [/wall|art print|paint|frame/i, "M4 4h16v16H4zM8 16l3-4 2 2 2-3 2 5zM9 8.5v0"],
  [/bath|skin|beauty|soap|oil/i, "M12 3c4 5 6 8 6 11a6 6 0 0 1-12 0c0-3 2-6 6-11zM9 14a3 3 0 0 0 3 3"],
  [/hair|shav|beard/i, "M5 4h14v4H5zM7 8v11M10 8v11M13 8v11M16 8v8"],
  [/clean|broom/i, "M14 4l-4 9M7 13h7l2 7H4zM8 20l1-3M12 20v-3"],
  [/seed|pot\b|pots|plant/i, "M7 14h10l-1.5 6h-7zM12 14V8M12 10c0-3 2-5 5-5 0 3-2 5-5 5zM12 11c0-2-2-4-4.5-4 0 2.5 2 4 4.5 4z"],
  [/bird|wildlife/i, "M4 13c4 0 5-6 10-6a4 4 0 0 1 4 4l3 1-3 1c0 4-3 6-7 6-3 0-5-2-7-6zM15 10v0M11 19v2"],
  [/garden|leaf|tool/i, "M5 19c0-9 5-14 14-14 0 9-5 14-14 14zM5 19l7-7"],
  [/desk|chair|office/i, "M7 4h8v9H7zM5 13h12M11 13v4M7 20l4-3 4 3"],
  [/station|pen\b|pencil|letter|draw/i, "M4 20l1-5L16 4l4 4L9 19zM13 7l4 4"],
  [/computer|keyboard|screen/i, "M4 5h16v11H4zM9 20h6M12 16v4"],
  [/bag|case|cloth|fashion/i, "M4 9h16v11H4zM9 9V7a3 3 0 0 1 6 0v2M4 14h16"],
  [/audio|headphone|speaker/i, "M4 14v-2a8 8 0 0 1 16 0v2M4 14h4v6H6a2 2 0 0 1-2-2zM20 14h-4v6h2a2 2 0 0 0 2-2z"],
  [/music|instrument|guitar/i, "M9 18V6l10-2v12M9 18a2.5 2.5 0 1 1-2.5-2.5A2.5 2.5 0 0 1 9 18zM19 16a2.5 2.5 0 1 1-2.5-2.5A2.5 2.5 0 0 1 19 16z"],
  [/sew|knit|yarn/i, "M12 20a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM7 9c3 1 6 4 7 10M10 6.5c3 1 6 4 7.5 9M12 20h8"],
  [/pottery|clay|vase/i, "M9 4h6M10 4c0 3-4 4-4 9 0 4 3 7 6 7s6-3 6-7c0-5-4-6-4-9M7 12h10"],
  [/game|puzzle|dice/i, "M5 5h14v14H5zM9 9v0M15 9v0M12 12v0M9 15v0M15 15v0"],
  [/build|block|science|kit\b|toy/i, "M4 13h7v7H4zM13 13h7v7h-7zM8.5 4h7v7h-7z"],
  [/dog|cat|pet/i, "M12 20c-3 0-5-1-5-3.5S9.5 12 12 12s5 2 5 4.5-2 3.5-5 3.5zM6 11a1.5 2 0 1 0 0-.1zM10 8a1.5 2 0 1 0 0-.1zM14.5 8a1.5 2 0 1 0 0-.1zM18 11a1.5 2 0 1 0 0-.1z"],
  [/yoga|recover|wellness/i, "M12 4c3 4 3 8 0 12-3-4-3-8 0-12zM4 10c4 0 7 2 8 6-4 1-7-1-8-6zM20 10c-4 0-7 2-8 6 4 1 7-1 8-6zM6 19h12"],
  [/book|guide|media/i, "M12 6c-2-1.5-5-2-8-2v14c3 0 6 .5 8 2 2-1.5 5-2 8-2V4c-3 0-6 .5-8 2zM12 6v14"],
];
const ANY = "M5 8l7-4 7 4v8l-7 4-7-4zM12 12v8M5 8l7 4 7-4";
const MOTIFS = [
  () => svg("circle", { cx: 128, cy: 84, r: 66 }),
  () => svg("path", { d: "M0 150c40-44 76-44 110-14s62 22 90-10v74H0z" }),
  () => svg("path", { d: "M40 200v-96a60 60 0 0 1 120 0v96z" }),
  () => svg("path", { d: "M0 0h112L0 150zM200 96v104H92z" }),
  () => svg("circle", { cx: 44, cy: 168, r: 96 }),
  () => svg("path", { d: "M30 30h140v140H30z", transform: "rotate(14 100 100)" }),
];

/** The picture of an item; it says nothing, since the title stands beside it. */
export function artwork(item) {
  const place = el("span", { class: "artwork" });
  if (!usable(item.image_url)) return place.appendChild(drawn(item)).parentNode;
  const image = el("img", { src: item.image_url, alt: "", loading: "lazy", decoding: "async" });
  image.addEventListener("error", () => image.replaceWith(drawn(item)), { once: true });
  place.append(image);
  return place;
}

/** A drawn card in the colours of a category. */
export function drawn({ category, title = "", item_id: id = "" }) {
  const [top, ...rest] = (category || title || id).split("/");
  const picture = svg("svg", { viewBox: "0 0 200 200", preserveAspectRatio: "xMidYMid slice", class: "drawn", "aria-hidden": true, focusable: "false" });
  picture.style.setProperty("--hue", String((hash(top) + (hash(rest.join("/")) % 31)) % 360));
  const motif = MOTIFS[hash(id || category || "") % MOTIFS.length]();
  motif.setAttribute("class", "motif");
  const line = svg("path", { d: lineOf(`${rest.join(" ")} ${title}`, top), class: "stroke" });
  picture.append(svg("rect", { width: 200, height: 200, class: "ground" }), motif);
  picture.append(svg("g", { transform: "translate(58 58) scale(3.5)" }, line));
  return picture;
}

function lineOf(special, general) {
  const found = DRAWN.find(([words]) => words.test(special)) ?? DRAWN.find(([words]) => words.test(general));
  return found ? found[1] : ANY;
}

function usable(url) {
  return typeof url === "string" && /^(https:\/\/|\/(?!\/)|data:image\/)/.test(url);
}

function hash(text) {
  let sum = 2166136261;
  for (const letter of text) sum = Math.imul(sum ^ letter.codePointAt(0), 16777619);
  return sum >>> 0;
}
