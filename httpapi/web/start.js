// The way in: stored scans as pictures of what was seen, and the images of the index.

import { getJSON } from "./api.js";
import { card, trialCard } from "./cards.js";
import { at, count, element } from "./dom.js";
import { showBrowse } from "./facets.js";
import { baseOf, filterOf } from "./query.js";

const SCANS = 36; // of a page
const ITEMS = 48;

let trials = { subject: null, total: 0, next: 0, asked: false };
let items = { key: null, next: "", asked: false, unsafe: false, filter: undefined };

// showStart shows the start: the images that a query's filters choose, and without filters
// the stored scans too. What it has shown already stays.
export async function showStart(server, query, unsafe) {
  const filter = filterOf(query);
  at("scans").hidden = !server.trials || Boolean(filter);
  at("scans-simulated").hidden = !server.decoder?.simulated;
  at("scans-intro").textContent = server.decoder?.simulated
    ? "A simulated subject looked at each of these pictures while its brain activity was measured. Pick one: Engram gets the scan alone, and searches for what was seen."
    : "Someone looked at each of these pictures while brain activity was measured. Pick one: Engram gets the scan alone, and searches for what was seen.";
  const work = [showBrowse(query)];
  if (trials.subject !== query.subject) {
    trials = { subject: query.subject, total: 0, next: 0, asked: false };
    at("trials").replaceChildren();
  }
  if (server.trials && !filter && !trials.asked) work.push(moreTrials());
  const key = JSON.stringify([filter, unsafe]);
  if (items.key !== key) {
    items = { key, next: "", asked: false, unsafe, filter };
    at("items").replaceChildren();
  }
  if (!items.asked) work.push(moreItems());
  await Promise.all(work);
}

// showSubjects shows the choice of a subject, where there are several.
export function showSubjects(subjects, query) {
  at("subject-label").hidden = subjects.length < 2;
  at("subject").replaceChildren(...subjects.map(({ id }) => Object.assign(element("option", "", id), { value: id, selected: id === query.subject })));
}

export async function moreTrials() {
  const shown = trials;
  const { subject, next } = shown;
  shown.asked = true;
  at("more-trials").hidden = true;
  const page = await getJSON(`${baseOf({ subject })}trials?limit=${SCANS}&offset=${next || 0}`);
  if (shown !== trials) return; // the visitor has chosen another subject
  trials = { subject, total: page.total, next: page.next, asked: true };
  at("trials").append(...page.trials.map((trial) => trialCard(trial, subject)));
  at("more-trials").hidden = !page.next;
  at("more-trials").textContent = `More of the ${count(page.total)} scans`;
}

// anyTrial returns the id of a stored scan that is drawn at random among all.
export async function anyTrial({ trials: total }, query) {
  const page = await getJSON(`${baseOf(query)}trials?limit=1&offset=${Math.floor(Math.random() * total)}`);
  return page.trials[0]?.id;
}

export const hasMoreItems = () => Boolean(items.next);

export async function moreItems() {
  const shown = items;
  shown.asked = true;
  const page = await getJSON(`v1/items?limit=${ITEMS}&safe=${!shown.unsafe}${shown.next && `&after=${shown.next}`}${shown.filter ? `&filter=${encodeURIComponent(JSON.stringify(shown.filter))}` : ""}`);
  if (shown !== items) return; // the visitor has changed what may be shown
  shown.next = page.next || "";
  at("items").append(...page.items.map((item) => card(item, { unsafe: shown.unsafe })));
  at("total").textContent = shown.filter ? (at("items").children.length ? "" : "No image is like that") : page.total ? `${count(page.total)} images` : "The index is empty";
}
