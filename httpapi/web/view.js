// What the page shows. Whatever comes from an index is set as text, never as markup.

import { addressOf, at, showsUnsafe, state } from "./state.js";

let preview = ""; // object URL of the visitor's picture

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

export function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

// picture fills an <img>; one that cannot be shown (a TIFF, a lost file) is
// taken away, and its words stay.
function picture(img, url, alt) {
  img.alt = alt;
  img.hidden = false;
  img.classList.remove("tiny");
  img.onload = () => img.classList.toggle("tiny", img.naturalWidth < 96);
  img.onerror = () => { img.hidden = true; };
  img.src = url;
  return img;
}

export function showHits(result) {
  const { server, asked } = state;
  at("more").hidden = true;
  const seen = partOf(result.query, "trial")?.trial?.item;
  const scale = scaleOf(result);
  at("hits").replaceChildren(...result.hits.map((hit) => card({ ...hit, ...scale(hit.score) }, hit.id === seen)));
  const count = server ? ` of ${server.index.count.toLocaleString("en")}` : "";
  const cut = partOf(result.query, "text")?.cut ? " · the words were cut, the model reads no more of them" : "";
  at("status").textContent = `${result.hits.length} nearest${count} · ${Math.max(1, Math.round(result.took_ms))} ms${ranked(result)}${cut}`;
  at("heading").textContent = heading(asked);
  const most = server ? Math.min(server.max_k, server.index.count - (asked.kind === "item" ? 1 : 0)) : 0;
  at("more").hidden = result.hits.length < asked.k || result.hits.length >= most;
}

// percent writes a probability in whole per cent, and never as certain.
function percent(p) {
  return p > 0.99 ? "over 99 %" : p < 0.01 ? "under 1 %" : `${Math.round(100 * p)} %`;
}

// ranked says that all tokens ranked the hits of a scan.
function ranked({ stages }) {
  if (!stages) return "";
  const among = stages.all ? "all" : `the ${stages.candidates.toLocaleString("en")} nearest`;
  const sure = stages.confidence === undefined ? "" : ` · the first one is what was seen: ${percent(stages.confidence)}, if it is among them`;
  return ` · all tokens ranked ${among}${sure}`;
}

// scaleOf returns what shows a score: a bar from 0 to 1, a number and what it is. Of
// likelihoods only ratios say something, so they are shown against the first one's.
function scaleOf({ stages, hits }) {
  if (stages?.metric !== "likelihood") {
    const meaning = stages?.metric === "pearson" ? "correlation of all tokens" : stages ? "cosine of all tokens" : "cosine similarity";
    return (score) => ({ share: Math.max(0, score), number: score.toFixed(3), meaning });
  }
  const best = hits[0]?.score ?? 0;
  return (score) => ({ share: Math.exp(score - best), number: (score - best).toFixed(1), meaning: "log likelihood, less the first one’s" });
}

// heading says what the hits are.
function heading({ kind, text }) {
  if (kind === "text") return `Nearest to “${text}”`;
  const like = { image: "your picture", item: "this one", scan: "what your scan points to", trial: "what the scan points to" };
  if (text) return `Like ${like[kind]}, but “${text}”`;
  return {
    image: "Most like your picture", item: "Most like this one",
    scan: "What your scan points to", trial: "What the scan points to",
  }[kind];
}

// partOf finds what an answer says of the query's part of a kind.
function partOf(echo, kind) {
  return [echo, ...(echo.parts || [])].find((part) => part.kind === kind);
}

// mayShow tells whether an item has a picture that the visitor wants to see.
function mayShow(item) {
  return item.image_url && (!item.unsafe || showsUnsafe());
}

export function card(item, wasSeen = false) {
  const name = nameOf(item);
  const link = element("a", wasSeen ? "hit seen" : "hit");
  link.href = addressOf(new URLSearchParams({ item: item.id }));
  link.dataset.item = item.id;
  if (mayShow(item)) {
    const img = document.createElement("img");
    img.loading = "lazy";
    img.decoding = "async";
    link.append(element("div", "picture", picture(img, item.image_url, "")));
  }
  const text = element("div", "text", element("span", "name", name));
  if (wasSeen) text.prepend(element("span", "badge", "seen in the scanner"));
  if (item.unsafe) text.prepend(element("span", "badge unsafe", "marked unsafe"));
  link.title = name;
  if (item.score !== undefined) {
    const fill = element("span", "");
    fill.style.width = `${item.share * 100}%`;
    const bar = element("span", "bar", fill);
    bar.setAttribute("aria-hidden", "true");
    const number = element("span", "", item.number);
    number.title = item.meaning;
    text.append(element("span", "score", bar, number));
  }
  link.append(text);
  return element("li", "", link);
}

// showQuery draws what was asked: at once what the page knows, and after the
// answer what the server knows.
export function showQuery(query, echo = null) {
  at("query").hidden = query.kind === "text"; // the words are in their field
  if (echo) {
    showEcho(query, partOf(echo, query.kind) || echo);
    return;
  }
  at("words-text").value = query.kind === "text" ? query.text : "";
  for (const id of ["query-image", "query-strip", "seen"]) at(id).hidden = true;
  at("query-caption").textContent = query.file?.name || "";
  at("query-title").textContent = {
    image: "Your picture", scan: "Your scan", item: "Like this one", trial: `Stored scan ${query.id}`, text: query.text,
  }[query.kind];
  at("trial").value = query.kind === "trial" ? query.id : "";
  at("but").value = query.kind === "text" ? "" : query.text || "";
  URL.revokeObjectURL(preview);
  preview = query.kind === "image" ? URL.createObjectURL(query.file) : "";
  if (preview) picture(at("query-image"), preview, "Your picture");
  document.title = `${at("query-title").textContent} · Engram`;
}

// showEcho draws what the server knows of the query.
function showEcho(query, echo) {
  if (echo.item) {
    const hidden = echo.item.unsafe && !showsUnsafe();
    at("query-caption").textContent = nameOf(echo.item) + (hidden ? " · marked unsafe, not shown" : "");
    document.title = `${nameOf(echo.item)} · Engram`;
    at("query-image").hidden = true;
    if (mayShow(echo.item)) picture(at("query-image"), echo.item.image_url, nameOf(echo.item));
  }
  if (echo.strip) {
    const size = `${echo.voxels.toLocaleString("en")} voxels` + (echo.repeats > 1 ? `, mean of ${echo.repeats} repeats` : "");
    at("query-caption").textContent = query.file ? `${query.file.name} · ${size}` : size;
    drawStrip(at("query-strip"), echo.strip);
    at("query-strip").setAttribute("aria-label", `Activity over ${size}`);
  }
  if (echo.trial && (echo.trial.seen || echo.trial.image_url)) {
    at("seen").hidden = false;
    at("seen-name").textContent = echo.trial.seen || "";
    at("seen-image").hidden = true;
    if (echo.trial.image_url) picture(at("seen-image"), echo.trial.image_url, echo.trial.seen || "The image seen");
  }
}

// drawStrip paints z-scores, warm above the mean and cool below, on no ground
// of its own, so that it suits light and dark.
function drawStrip(canvas, strip) {
  const columns = Math.min(48, strip.length);
  canvas.width = columns;
  canvas.height = Math.ceil(strip.length / columns);
  const context = canvas.getContext("2d");
  strip.forEach((value, i) => {
    const strength = Math.min(1, Math.abs(value) / 85);
    context.fillStyle = value > 0 ? `rgb(219 92 46 / ${strength})` : `rgb(32 120 176 / ${strength})`;
    context.fillRect(i % columns, Math.floor(i / columns), 1, 1);
  });
  canvas.hidden = false;
}

export function showProblem({ title, detail }) {
  at("hits").replaceChildren();
  at("more").hidden = true;
  at("heading").textContent = "Nothing to show";
  at("status").textContent = "";
  at("problem-title").textContent = title;
  at("problem-detail").textContent = detail;
  at("problem").hidden = false;
}

// showServer says what the server has, and hides what it has not.
export function showServer() {
  const { index, text, encoder, decoder } = state.server;
  at("words").hidden = at("refine").hidden = !text;
  at("suggestions").replaceChildren(...(text?.suggestions || []).map((words) => {
    const link = element("a", "button suggestion", words);
    link.href = addressOf(new URLSearchParams({ q: words }));
    link.dataset.words = words;
    return link;
  }));
  at("suggestions").hidden = !text?.suggestions.length;
  at("choose-image").hidden = !encoder;
  at("choose-scan").hidden = !decoder;
  at("drop").hidden = !encoder && !decoder;
  at("drop-title").textContent = encoder && decoder ? "Drop a picture or a scan" : encoder ? "Drop a picture" : "Drop a scan";
  at("drop-hint").hidden = !encoder;
  at("promise").textContent = "Search images " + (decoder ? "with a brain scan" : text ? "by words and by example" : "by example");
  if (text) {
    at("intro").textContent = "A model turns your words or your picture into a point in a space where like lies near "
      + "like, and Engram finds the images around it. What you send is not kept.";
  }
  if (!encoder && !decoder) at("intro").textContent = "Each item leads to the ones nearest to it.";
  if (decoder) {
    at("intro").textContent = "A decoder turns a brain scan into a point in a space where like lies near like, "
      + "and Engram finds the images around it. What you send is not kept.";
  }
  const facts = [["Index", `${index.name || "unnamed"}: ${index.count.toLocaleString("en")} items of ${index.dim} dimensions`]];
  if (index.data) facts.push(["Images from", index.data]);
  if (text) facts.push(["Text model", text.model.name + (text.assumed ? " (assumed)" : "")]);
  facts.push(["Image model", encoder ? encoder.model.name + (encoder.assumed ? " (assumed)" : "") : "none loaded"]);
  facts.push(["Scan decoder", decoder ? `${decoder.name}, ${decoder.voxels.toLocaleString("en")} voxels` : "none loaded"]);
  if (decoder?.data) facts.push(["Decoder trained on", decoder.data]);
  at("about").replaceChildren(...facts.map(([term, text]) => element("div", "", element("dt", "", term), element("dd", "", text))));
}
