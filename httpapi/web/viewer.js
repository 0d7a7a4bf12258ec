// One image in full, with what the index knows of it.

import { getItem } from "./api.js";
import { fill, mayShow, nameOf } from "./cards.js";
import { at, element } from "./dom.js";

const HIDDEN = ["crc32c", "modified", "size"]; // facts about the file that no visitor looks for

// shown is the id of the item on show, "" for none.
export const shown = () => (at("viewer").open ? at("viewer").dataset.id : "");

// openViewer shows an item. less tells whether there is a search to have less of it.
export async function openViewer(id, { unsafe, less }) {
  at("viewer").dataset.id = id;
  if (!at("viewer").open) at("viewer").showModal();
  const item = await getItem(id);
  if (at("viewer").dataset.id !== id) return;
  const name = nameOf(item);
  const url = mayShow(item, unsafe) ? item.image_url : "";
  at("viewer-name").textContent = name;
  at("viewer-image").hidden = true;
  if (url) fill(at("viewer-image"), url, name);
  at("viewer-none").hidden = Boolean(url);
  at("viewer-none").textContent = item.unsafe && !url ? "This image is marked unsafe and not shown." : "There is no picture to show.";
  at("viewer-open").hidden = !url;
  at("viewer-open").href = url || "./";
  at("viewer-less").hidden = !less;
  const { previous, next } = neighbours(id);
  at("viewer-previous").hidden = !previous;
  at("viewer-next").hidden = !next;
  if (!at("viewer").contains(document.activeElement)) at("viewer").focus(); // the button it was on is gone
  at("viewer-facts").replaceChildren(...factsOf(item, name));
}

function factsOf(item, name) {
  const facts = Object.entries(item.payload || {})
    .filter(([key, value]) => !HIDDEN.includes(key) && value !== null && String(value) !== name && !(Array.isArray(value) && !value.length))
    .map(([key, value]) => {
      const list = Array.isArray(value) ? value.filter((one) => one !== name) : [value];
      return element("div", "", element("dt", "", key.replaceAll("_", " ")), ...list.map((one) => element("dd", "", String(one))));
    });
  facts.push(element("div", "", element("dt", "", "id"), element("dd", "", item.id)));
  return facts;
}

// neighbours returns the ids before and after an item among the cards on show.
export function neighbours(id) {
  const cards = [...document.querySelectorAll(".card[data-id]")].filter((card) => card.offsetParent);
  const place = cards.findIndex((card) => card.dataset.id === id);
  return place < 0 ? {} : { previous: cards[place - 1]?.dataset.id, next: cards[place + 1]?.dataset.id };
}

export function closeViewer() {
  if (at("viewer").open) at("viewer").close();
}
