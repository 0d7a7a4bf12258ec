// Pictures with their words, as links to the viewer.

import { keep } from "./api.js";
import { button, element, icon } from "./dom.js";

// nameOf finds the words for an item in whatever its index has stored.
export function nameOf(item) {
  const payload = item.payload || {};
  for (const key of ["caption", "captions", "TEXT", "text", "label", "name", "categories"]) {
    const value = payload[key];
    const text = Array.isArray(value) ? (key === "captions" ? value[0] : value.join(", ")) : value;
    if (text) return String(text);
  }
  const place = payload.path || payload.image_path || payload.key || payload.url || payload.URL;
  return place ? String(place).split(/[\\/]/).filter(Boolean).pop() : `Item ${item.id}`;
}

// mayShow tells whether an item has a picture that the visitor wants to see.
export const mayShow = (item, unsafe) => Boolean(item.image_url) && (!item.unsafe || unsafe);

// small returns the address of a picture with at most so many pixels a side, where the
// server makes one.
export const small = (item, size) => (item.thumbnail_url ? `${item.thumbnail_url}?size=${size}` : item.image_url);

// fill shows a picture in an <img>; one that cannot be shown (a TIFF, a lost file) is
// taken away, and its words stay.
export function fill(img, url, alt) {
  img.alt = alt;
  img.hidden = false;
  img.onerror = () => { img.hidden = true; };
  img.src = url;
  return img;
}

// shape gives a card the proportions of its picture, so that whole pictures fill rows.
function shape(card, width, height) {
  if (width > 0 && height > 0) card.style.setProperty("--ratio", Math.min(3, Math.max(0.5, width / height)).toFixed(3));
}

// picture returns what a card shows of an item: its picture, or its words where it has
// none. A picture that cannot be made small is tried as it is.
function picture(card, { url, original, name, width, height }) {
  if (!url) return element("span", "words-only", name);
  shape(card, width, height);
  const img = element("img", "");
  img.loading = "lazy";
  img.decoding = "async";
  img.addEventListener("load", () => {
    shape(card, img.naturalWidth, img.naturalHeight);
    img.classList.toggle("tiny", img.naturalWidth < 96);
  });
  img.addEventListener("error", () => {
    if (url === original) img.replaceWith(element("span", "words-only", name));
    else img.src = url = original;
  });
  img.alt = name;
  img.src = url;
  return img;
}

// card returns the card of an item. mark tells what the list says of it: {score, seen,
// unsafe, less}.
export function card(item, { unsafe, score = null, seen = "", less = false }) {
  keep(item);
  const name = nameOf(item);
  const made = element("li", seen ? "card seen" : "card");
  made.dataset.id = item.id;
  const link = element("a", "picture");
  link.href = `?item=${item.id}`;
  link.dataset.show = item.id;
  const { width, height } = item.payload || {};
  link.append(picture(made, { url: mayShow(item, unsafe) ? small(item, 512) : "", original: item.image_url, name, width, height }));
  const actions = element("div", "acts");
  const more = button("round", `More like this: ${name}`, icon("plus"));
  more.dataset.more = item.id;
  more.title = "More like this";
  actions.append(more);
  if (less) {
    const fewer = button("round", `Less like this: ${name}`, icon("minus"));
    fewer.dataset.less = item.id;
    fewer.title = "Less like this";
    actions.append(fewer);
  }
  const words = element("div", "words");
  if (seen) words.append(element("span", "badge", seen));
  if (item.unsafe) words.append(element("span", "badge unsafe", "marked unsafe"));
  if (item.folded?.length) {
    const twins = button("badge twins", "", `+ ${item.folded.length} alike`);
    twins.dataset.twins = item.folded.join(" ");
    twins.title = "Near-duplicates of this picture";
    twins.setAttribute("aria-expanded", "false");
    words.append(twins);
  }
  const text = element("span", "name", name);
  text.title = name;
  words.append(text);
  if (score) words.append(scoreBar(score));
  made.append(link, actions, words);
  return made;
}

// scoreBar shows a score: {share, number, meaning}, a bar from 0 to 1 and the number.
function scoreBar({ share, number, meaning }) {
  const bar = element("span", "bar", element("i", ""));
  bar.firstChild.style.width = `${Math.max(0, Math.min(1, share)) * 100}%`;
  bar.setAttribute("aria-hidden", "true");
  const text = element("span", "", number);
  text.title = meaning;
  return element("span", "score", bar, text);
}

// trialCard returns the card of a subject's stored scan: the picture that was seen.
export function trialCard(trial, subject) {
  const name = trial.seen || `Scan ${trial.id}`;
  const made = element("li", "card trial");
  const link = element("a", "picture");
  link.href = `?${new URLSearchParams({ ...(subject && { subject }), trial: trial.id })}`;
  link.dataset.trial = trial.id;
  link.title = name;
  link.append(picture(made, { url: small(trial, 256), original: trial.image_url, name }));
  made.append(link);
  return made;
}
