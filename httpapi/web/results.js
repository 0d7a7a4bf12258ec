// The answer to a query: hits page by page, their scores, and how they were found.

import { getItem } from "./api.js";
import { card } from "./cards.js";
import { at, count, element, milliseconds } from "./dom.js";
import { isScan } from "./query.js";

// percent writes a probability in whole per cent, and never as certain.
function percent(p) {
  return p > 0.99 ? "over 99 %" : p < 0.01 ? "under 1 %" : `${Math.round(100 * p)} %`;
}

// partOf finds what an answer says of the query's part of a kind.
export function partOf(echo, kind) {
  return [echo, ...(echo.parts || [])].find((part) => part.kind === kind);
}

// scaleOf returns what shows a score. Of likelihoods only ratios say something, so they
// are shown against the best one's.
function scaleOf(metric, best, last) {
  if (metric !== "likelihood") {
    const meaning = { pearson: "correlation of the prediction with the image", cosine: "cosine of the prediction with the image" }[metric] || "cosine similarity";
    return (score) => ({ share: score, number: score.toFixed(3), meaning });
  }
  const range = Math.max(1, best - last);
  return (score) => ({ share: 1 - (0.94 * (best - score)) / range, number: (score - best).toFixed(1), meaning: "log likelihood, less the first one’s" });
}

// headingOf says what the hits are.
export function headingOf(query) {
  const words = query.text ? `“${query.text}”` : "";
  let what = "";
  if (isScan(query)) what = query.trial ? "What the scan points to" : "What your scan points to";
  else if (query.file) what = "Most like your picture";
  else if (query.items.length) what = "Most like this one";
  if (!what) return `Nearest to ${words}`;
  const more = [words, isScan(query) || query.file ? query.items.length && "more like what you picked" : query.items.length > 1 && "and the others", query.less.length && "less like what you took out"].filter(Boolean);
  return more.length ? `${what}, with ${more.join(" and ")}` : what;
}

// showHits adds a page of hits to the ones on show, or begins with it.
export function showHits(answer, result, { unsafe, server }) {
  const first = answer.hits.length === 0;
  answer.hits.push(...result.hits);
  answer.next = result.next || "";
  if (first) {
    answer.first = result;
    at("hits").replaceChildren();
  }
  const scale = scaleOf(answer.first.stages?.metric, answer.hits[0]?.score ?? 0, answer.first.hits.at(-1)?.score ?? 0);
  const seen = partOf(answer.first.query, "trial")?.trial?.item;
  at("hits").append(...result.hits.map((hit) => card(hit, {
    unsafe, score: scale(hit.score), less: true,
    seen: seen === undefined ? "" : hit.id === seen ? "seen in the scanner" : hit.folded?.includes(seen) ? "like what was seen" : "",
  })));
  at("status").textContent = statusOf(answer, server);
  at("download").hidden = answer.hits.length === 0;
  if (first) showStages(result);
}

function statusOf({ hits, first }, server) {
  if (!hits.length) return "Nothing fits. Take a filter or a word away.";
  const cut = partOf(first.query, "text")?.cut ? " · the words were cut, the model reads no more of them" : "";
  return `${count(hits.length)} nearest of ${count(server.index.count)} images · ${milliseconds(first.took_ms)}${cut}`;
}

// showStages says how the first page was found and how long each stage took.
function showStages({ stages, search, took_ms: total }) {
  const rows = [];
  if (stages) {
    rows.push(["Read the scan", stages.decode_ms], ["Find candidates", stages.first_ms], ["Get their details", stages.tokens_ms], ["Rank them", stages.rank_ms]);
  }
  const known = rows.reduce((sum, [, ms]) => sum + ms, 0);
  rows.push([stages ? "Everything else" : "Read and search", Math.max(0, total - known)], ["Together", total]);
  const list = rows.map(([what, ms]) => {
    const bar = element("i", "");
    bar.style.width = `${total > 0 ? Math.min(100, (100 * ms) / total) : 0}%`;
    return element("div", "", element("dt", "", what), element("dd", "", element("span", "bar", bar), milliseconds(ms)));
  });
  const notes = [];
  if (stages) notes.push(stages.all ? "Every image was compared in full." : `The ${count(stages.candidates)} most likely images were compared in full.`);
  if (search) {
    const graph = search.path.includes("walk");
    notes.push(graph ? `A graph of ${count(search.items)} images was walked${search.recall ? `, which finds ${percent(search.recall)} of the nearest on average` : ""}.` : search.path === "scan" ? `${count(search.scanned)} images were compared one by one.` : "");
  }
  at("stages").replaceChildren(element("dl", "", ...list), element("p", "quiet", notes.filter(Boolean).join(" ")));
  at("how").hidden = false;
}

// verdictOf says where the image that was seen came, and how sure the decoder is.
export function verdictOf({ hits, first }) {
  const seen = partOf(first.query, "trial")?.trial?.item;
  const sure = first.stages?.confidence;
  const lines = [];
  if (seen !== undefined) {
    const rank = hits.findIndex((hit) => hit.id === seen) + 1;
    lines.push(rank === 1 ? "Found: the first image is the one that was seen." : rank ? `The image that was seen came ${ordinal(rank)}.` : "");
  }
  if (sure !== undefined) lines.push(`The decoder is ${percent(sure)} sure of the first image, if what was seen is among those it compared.`);
  return lines.filter(Boolean).join(" ");
}

function ordinal(n) {
  const end = n % 100 > 10 && n % 100 < 14 ? "th" : { 1: "st", 2: "nd", 3: "rd" }[n % 10] || "th";
  return `${n}${end}`;
}

// toggleTwins shows the near-duplicates of a card behind it, or takes them away.
export async function toggleTwins(button, unsafe) {
  const mine = button.closest(".card");
  const open = button.getAttribute("aria-expanded") === "true";
  button.setAttribute("aria-expanded", String(!open));
  if (open) {
    for (const twin of at("hits").querySelectorAll(`[data-twin="${mine.dataset.id}"]`)) twin.remove();
    return;
  }
  const twins = await Promise.all(button.dataset.twins.split(" ").map(getItem));
  mine.after(...twins.map((item) => {
    const made = card(item, { unsafe, less: true });
    made.classList.add("twin");
    made.dataset.twin = mine.dataset.id;
    return made;
  }));
}

// download saves the query and the hits on show as JSON.
export function download(query, answer) {
  const { file, kind, ...rest } = query;
  const saved = { query: file ? { ...rest, [kind]: file.name } : rest, model: answer.first.model, stages: answer.first.stages, hits: answer.hits };
  const link = element("a", "");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(saved, null, 2)], { type: "application/json" }));
  link.download = "engram-results.json";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
