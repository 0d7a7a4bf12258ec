// What is shown of a scan: what was seen, and the activity in the head.

import { getJSON, once } from "./api.js";
import { fill } from "./cards.js";
import { drawViews } from "./brain.js";
import { at, button, count, element } from "./dom.js";
import { baseOf, isScan, scanRequest } from "./query.js";
import { partOf, verdictOf } from "./results.js";

const brains = new Map(); // what asks for the brain of a subject, by how its addresses begin
let shown = null; // the trial or the file on show

// showScan shows the scan of a query at once, as far as the page knows it.
export async function showScan(query, server, signal) {
  at("scan").hidden = !isScan(query);
  if (!isScan(query)) return;
  const base = baseOf(query);
  const source = query.trial ? base + query.trial : query.file;
  at("scan-title").textContent = query.trial ? "A stored scan" : "Your scan";
  at("scan-simulated").hidden = !(query.trial && server.decoder?.simulated);
  at("another").hidden = !query.trial || server.trials < 2;
  if (source === shown) return;
  shown = source;
  at("seen").hidden = at("activity").hidden = at("verdict").hidden = true;
  at("scan-size").textContent = query.file?.name || query.trial;
  if (!server.decoder?.brain) return;
  try {
    const [brain, activity] = await Promise.all([brainOf(base), getJSON(`${base}brain/activity`, { ...scanRequest(query), signal })]);
    if (shown === source) showActivity(brain, activity);
  } catch (error) {
    if (error.name === "AbortError" && shown === source) shown = null;
    // The search says what is wrong with the scan.
  }
}

function brainOf(base) {
  if (!brains.has(base)) brains.set(base, once(`${base}brain`));
  return brains.get(base)();
}

function showActivity(brain, activity) {
  at("views").replaceChildren(...drawViews(brain, activity));
  at("regions").replaceChildren(...brain.regions.map((region, r) => {
    const made = button("region", "", region.name);
    made.dataset.region = r;
    made.setAttribute("aria-pressed", "false");
    made.title = `${count(region.voxels)} voxels`;
    return element("li", "", made);
  }));
  at("key").lastElementChild.textContent = activity.relative === "training" ? "more active than usual" : "more active than the rest";
  at("activity").hidden = false;
  fit();
}

// fit gives the views as many pixels a millimetre as their place has room for.
export function fit() {
  const views = [...at("views").querySelectorAll(".view")];
  if (!views.length || at("activity").hidden) return;
  const room = at("views").clientWidth;
  const widths = views.map((view) => Number(view.style.getPropertyValue("--w")));
  const gap = 20;
  const inOneRow = (room - 2 * gap) / widths.reduce((sum, width) => sum + width, 0);
  const inTwo = (room - gap) / (widths[0] + widths[1]);
  at("views").style.setProperty("--mm", `${Math.min(4.4, room < 480 ? inTwo : inOneRow)}px`);
}

// markRegion shows where a region is, by its number; null: none.
export function markRegion(number) {
  for (const part of at("views").querySelectorAll("[data-region]")) part.classList.toggle("marked", part.dataset.region === number);
}

// pressRegion keeps a region marked, or lets it go.
export function pressRegion(pressed) {
  const on = pressed.getAttribute("aria-pressed") !== "true";
  for (const other of at("regions").querySelectorAll("button")) other.setAttribute("aria-pressed", String(other === pressed && on));
  markRegion(on ? pressed.dataset.region : null);
}

// pressedRegion returns the number of the region that is kept marked, null for none.
export const pressedRegion = () => at("regions").querySelector('[aria-pressed="true"]')?.dataset.region ?? null;

// showSeen shows what the answer knows of the scan.
export function showSeen(query, answer) {
  if (!isScan(query)) return;
  const echo = partOf(answer.first.query, "trial") || partOf(answer.first.query, "scan");
  if (!echo) return;
  const size = `${count(echo.voxels)} voxels${echo.repeats > 1 ? `, mean of ${echo.repeats} repeats` : ""}`;
  at("scan-size").textContent = `${query.file?.name || query.trial} · ${size}`;
  const trial = echo.trial;
  at("seen").hidden = !trial?.seen && !trial?.image_url;
  if (trial) {
    at("seen-name").textContent = trial.seen || "";
    at("seen-image").hidden = true;
    if (trial.image_url) fill(at("seen-image"), trial.image_url, trial.seen || "The image seen");
  }
  const verdict = verdictOf(answer);
  at("verdict").textContent = verdict;
  at("verdict").hidden = !verdict;
  fit();
}
