// The search box: words, and what else is in the search.

import { known } from "./api.js";
import { fill, mayShow, nameOf, small } from "./cards.js";
import { at, button, element, icon } from "./dom.js";

let preview = { file: null, url: "" }; // object URL of the visitor's picture

export function previewOf(file) {
  if (preview.file !== file) {
    URL.revokeObjectURL(preview.url);
    preview = { file, url: URL.createObjectURL(file) };
  }
  return preview.url;
}

// part shows one thing in the search. remove names it for the button that takes it out.
function part({ sign = "", text, url = "", symbol = "", remove }) {
  const made = element("li", sign === "−" ? "part less" : "part");
  if (sign) made.append(element("span", "sign", sign));
  if (url) made.append(fill(element("img", ""), url, ""));
  else if (symbol) made.append(icon(symbol));
  made.append(element("span", "part-text", text));
  const out = button("remove", `Remove from the search: ${text}`, icon("close"));
  out.dataset.remove = remove;
  made.append(out);
  return made;
}

function itemPart(id, sign, remove, unsafe) {
  const item = known(id);
  const text = item ? nameOf(item) : `item ${id}`;
  return part({ sign, text: sign === "−" ? `less like: ${text}` : `like: ${text}`, url: item && mayShow(item, unsafe) ? small(item, 128) : "", symbol: "image", remove });
}

// showComposer puts a query into the search box.
export function showComposer(query, unsafe) {
  if (document.activeElement !== at("words") || at("words").value.trim() !== query.text) at("words").value = query.text;
  const parts = [];
  if (query.trial) parts.push(part({ text: `stored scan ${query.trial}${query.subject && ` of ${query.subject}`}`, symbol: "brain", remove: "trial" }));
  if (query.file) {
    const image = query.kind === "image";
    parts.push(part({ text: query.file.name || "pasted picture", url: image ? previewOf(query.file) : "", symbol: image ? "image" : "brain", remove: "file" }));
  }
  query.items.forEach((id, i) => parts.push(itemPart(id, parts.length ? "+" : "", `items ${i}`, unsafe)));
  query.less.forEach((id, i) => parts.push(itemPart(id, "−", `less ${i}`, unsafe)));
  at("parts").replaceChildren(...parts);
  at("parts").hidden = parts.length === 0;
  at("words").placeholder = parts.length ? "…and with words: at night" : "Describe an image…";
}

// showServer says what can be searched with.
export function showServer({ text, encoder, decoder, index }) {
  at("words").hidden = at("go").hidden = !text;
  at("no-words").hidden = Boolean(text);
  at("choose-image").hidden = !encoder;
  at("choose-scan").hidden = !decoder;
  const ways = [text && "words", encoder && "a picture", decoder && "a brain scan"].filter(Boolean);
  const last = ways.pop();
  at("promise").textContent = !last ? "Each image leads to the ones like it"
    : `Search ${index.count ? index.count.toLocaleString("en") : "no"} images with ${ways.length ? `${ways.join(", ")} or ${last}` : last}`;
  const sent = [encoder && "picture", decoder && "scan"].filter(Boolean).join(" or a ");
  at("no-words").textContent = sent ? `Drop, paste or choose a ${sent}` : "Pick an image below";
  at("drop-text").textContent = `Drop a ${sent}`;
  at("suggestions").replaceChildren(...(text?.suggestions || []).map((words) => {
    const link = element("a", "suggestion", words);
    link.href = `?q=${encodeURIComponent(words)}`;
    link.dataset.words = words;
    return element("li", "", link);
  }));
}

// showAbout says what the index and the models are.
export function showAbout({ index, text, encoder, decoder }) {
  const facts = [["Images", `${index.name || "unnamed"}: ${index.count.toLocaleString("en")} items`]];
  if (index.data) facts.push(["From", index.data]);
  if (text || encoder) {
    const model = encoder || text;
    facts.push(["Searched by", model.model.name + (model.assumed ? " (assumed)" : "")]);
  }
  if (decoder) {
    facts.push(["Scans read by", `${decoder.name}, ${decoder.voxels.toLocaleString("en")} voxels`]);
    if (decoder.data) facts.push(["Which was trained on", decoder.data]);
  }
  at("about").replaceChildren(...facts.map(([term, is]) => element("div", "", element("dt", "", term), element("dd", "", is))));
}
