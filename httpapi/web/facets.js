// Filters: the values of payload keys with their counts.

import { once } from "./api.js";
import { at, button, count, element } from "./dom.js";
import { folds } from "./query.js";

const SHOWN = 8; // values of a key at first
const CHIPS = 20; // values at the start

const getFacets = once("v1/facets");
const open = new Set(); // keys whose values are all on show

// showFacets draws the filters for a query.
export async function showFacets(query) {
  const { facets } = await getFacets().catch(() => ({ facets: [] }));
  const boxes = [element("fieldset", "", foldBox(query)), ...facets.map((facet) => group(facet, query))];
  const focus = document.activeElement?.id;
  at("facets").replaceChildren(...boxes);
  if (focus) at(focus)?.focus();
  const used = Object.values(query.filters).flat().length;
  at("filter-count").textContent = used;
  at("filter-count").hidden = used === 0;
  at("filters").hidden = false;
}

// showBrowse offers the most frequent values of each key as ways into the images.
export async function showBrowse(query) {
  const { facets } = await getFacets().catch(() => ({ facets: [] }));
  const each = Math.ceil(CHIPS / Math.max(1, facets.length));
  const chips = facets.flatMap(({ key, values }) => {
    const chosen = query.filters[key] || [];
    const others = values.filter(({ value }) => !chosen.includes(value)).slice(0, each);
    return [...values.filter(({ value }) => chosen.includes(value)), ...others].map(({ value, items }) => {
      const on = chosen.includes(value);
      const made = button("chip", "", typeof value === "boolean" ? `${key} ${value ? "yes" : "no"}` : value, " ", element("span", "count", count(items)));
      made.id = `browse ${key} ${value}`;
      made.dataset.browse = key;
      made.dataset.bool = typeof value === "boolean";
      made.value = value;
      made.setAttribute("aria-pressed", String(on));
      return element("li", "", made);
    });
  });
  const focus = document.activeElement?.id;
  at("browse").replaceChildren(...chips);
  if (focus) at(focus)?.focus();
  at("browse").hidden = chips.length === 0;
}

function foldBox(query) {
  const box = checkbox("fold", folds(query));
  box.dataset.fold = "";
  return element("label", "value", box, element("span", "", "Fold near-duplicates"));
}

function checkbox(id, checked) {
  const box = element("input", "");
  box.type = "checkbox";
  box.id = id;
  box.checked = checked;
  return box;
}

// group shows the values of a key; chosen ones come first.
function group({ key, values, more = 0 }, query) {
  const chosen = query.filters[key] || [];
  const listed = [...values].sort((a, b) => chosen.includes(b.value) - chosen.includes(a.value));
  const missing = chosen.filter((value) => !values.some((known) => known.value === value)).map((value) => ({ value }));
  const all = [...missing, ...listed];
  const shown = open.has(key) ? all : all.slice(0, Math.max(SHOWN, chosen.length));
  const made = element("fieldset", "", element("legend", "", key.replaceAll("_", " ")));
  for (const { value, items } of shown) {
    const box = checkbox(`facet ${key} ${value}`, chosen.includes(value));
    box.dataset.key = key;
    box.value = value;
    box.dataset.bool = typeof value === "boolean";
    const name = typeof value === "boolean" ? (value ? "yes" : "no") : value;
    made.append(element("label", "value", box, element("span", "", name), element("span", "count", items ? count(items) : "")));
  }
  if (shown.length < all.length) {
    const rest = button("plain small", "", `Show all ${all.length}`);
    rest.dataset.open = key;
    made.append(rest);
  } else if (more) {
    made.append(element("p", "quiet", `and ${count(more)} rarer ones`));
  }
  return made;
}

// openFacet shows all values of a key.
export function openFacet(key, query) {
  open.add(key);
  return showFacets(query);
}

// changed returns the query after a box was ticked or cleared.
export function changed(query, box) {
  if (box.dataset.fold !== undefined) return { ...query, fold: box.checked };
  return withValue(query, box.dataset.key, valueOf(box), box.checked);
}

// pressed returns the query after one of the ways into the images was pressed.
export const pressed = (query, chip) => withValue(query, chip.dataset.browse, valueOf(chip), chip.getAttribute("aria-pressed") !== "true");

const valueOf = (box) => (box.dataset.bool === "true" ? box.value === "true" : box.value);

function withValue(query, key, value, on) {
  const others = (query.filters[key] || []).filter((other) => other !== value);
  const filters = { ...query.filters, [key]: on ? [...others, value] : others };
  if (!filters[key].length) delete filters[key];
  return { ...query, filters };
}
