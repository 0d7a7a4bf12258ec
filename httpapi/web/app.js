// The page: asks the server what a visitor wants to know and draws the answer.
// Whatever comes from an index is set as text, never as markup.

const PAGE = 24; // hits at first, and more at each press of "Show more"

const at = (id) => document.getElementById(id);
const uploads = new Map(); // files of this visit, so that "back" finds them again
let server = null; // GET v1/info
let asked = null; // the query on show: {kind, id?, file?, k}
let running = null; // AbortController of the search under way
let preview = ""; // object URL of the visitor's picture

// showsUnsafe tells whether the visitor wants to see what is marked as unsafe;
// the address keeps it.
const showsUnsafe = () => at("unsafe").checked;

// --- asking ---------------------------------------------------------------

async function getJSON(address, options) {
  let answer;
  try {
    answer = await fetch(address, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw { title: "No answer", detail: "The server cannot be reached. Is it still running?" };
  }
  const isJSON = (answer.headers.get("Content-Type") || "").includes("json");
  const body = isJSON ? await answer.json() : {};
  if (!answer.ok) {
    throw { title: body.title || "No answer", detail: body.detail || `The server answered ${answer.status}.` };
  }
  return body;
}

function request(query) {
  if (query.file) {
    const form = new FormData();
    form.append("k", query.k);
    form.append("safe", !showsUnsafe());
    form.append(query.kind, query.file);
    return { method: "POST", body: form };
  }
  return {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ [query.kind]: query.id, k: query.k, safe: !showsUnsafe() }),
  };
}

// ask runs a query and shows it. The address is changed first, so that it
// belongs to what the visitor waits for.
async function ask(query, { push = true } = {}) {
  const fresh = !asked || asked.id !== query.id || asked.file !== query.file;
  asked = query;
  if (push) remember(query);
  running?.abort();
  running = new AbortController();
  const { signal } = running;
  document.body.classList.add("asked");
  at("problem").hidden = true;
  at("hits").setAttribute("aria-busy", "true");
  at("status").textContent = "Searching…";
  if (fresh) showQuery(query);
  try {
    const result = await getJSON("v1/search", { ...request(query), signal });
    showQuery(query, result.query);
    showHits(result);
    if (fresh) lookAtResults();
  } catch (error) {
    if (error.name === "AbortError") return;
    showProblem(error);
  }
  if (running?.signal === signal) at("hits").removeAttribute("aria-busy");
}

// --- the address ----------------------------------------------------------

function remember(query) {
  const params = new URLSearchParams();
  const state = {};
  if (query.file) {
    state.upload = `${query.kind}-${uploads.size}`;
    uploads.set(state.upload, query);
  } else {
    params.set(query.kind, query.id);
    if (query.k !== PAGE) params.set("k", query.k);
  }
  history.pushState(state, "", addressOf(params));
}

function addressOf(params) {
  if (showsUnsafe()) params.set("unsafe", "1");
  return params.size ? `?${params}` : location.pathname;
}

// fromAddress finds the query that the address names, or null for the start.
function fromAddress() {
  const params = new URLSearchParams(location.search);
  const k = Math.max(1, Number.parseInt(params.get("k"), 10) || PAGE);
  for (const kind of ["item", "trial"]) {
    if (params.has(kind)) return { kind, id: params.get(kind), k };
  }
  return uploads.get(history.state?.upload) || null;
}

function followAddress() {
  at("unsafe").checked = new URLSearchParams(location.search).get("unsafe") === "1";
  const query = fromAddress();
  return query ? ask(query, { push: false }) : start();
}

// --- showing --------------------------------------------------------------

// nameOf finds the words for an item in whatever its index has stored.
function nameOf(item) {
  const payload = item.payload || {};
  for (const key of ["caption", "captions", "TEXT", "text", "label", "name", "categories"]) {
    const value = payload[key];
    const text = Array.isArray(value) ? (key === "captions" ? value[0] : value.join(", ")) : value;
    if (text) return String(text);
  }
  const place = payload.path || payload.image_path || payload.key || payload.url || payload.URL;
  return place ? String(place).split(/[\\/]/).filter(Boolean).pop() : `Item ${item.id}`;
}

function element(tag, className, ...children) {
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

function showHits(result) {
  at("more").hidden = true;
  const seen = result.query.trial?.item;
  at("hits").replaceChildren(...result.hits.map((hit) => card(hit, hit.id === seen)));
  const count = server ? ` of ${server.index.count.toLocaleString("en")}` : "";
  at("status").textContent = `${result.hits.length} nearest${count} · ${Math.max(1, Math.round(result.took_ms))} ms`;
  at("heading").textContent = {
    image: "Most like your picture", item: "Most like this one",
    scan: "What your scan points to", trial: "What the scan points to", vector: "Nearest",
  }[result.query.kind];
  const most = server ? Math.min(server.max_k, server.index.count - (asked.kind === "item" ? 1 : 0)) : 0;
  at("more").hidden = result.hits.length < asked.k || result.hits.length >= most;
}

// mayShow tells whether an item has a picture that the visitor wants to see.
function mayShow(item) {
  return item.image_url && (!item.unsafe || showsUnsafe());
}

function card(item, wasSeen = false) {
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
    fill.style.width = `${Math.max(0, item.score) * 100}%`;
    const bar = element("span", "bar", fill);
    bar.setAttribute("aria-hidden", "true");
    const number = element("span", "", item.score.toFixed(3));
    number.title = "cosine similarity";
    text.append(element("span", "score", bar, number));
  }
  link.append(text);
  return element("li", "", link);
}

// showQuery draws what was asked: at once what the page knows, and after the
// answer what the server knows.
function showQuery(query, echo = null) {
  at("query").hidden = false;
  if (!echo) {
    for (const id of ["query-image", "query-strip", "seen"]) at(id).hidden = true;
    at("query-caption").textContent = query.file?.name || "";
    at("query-title").textContent = {
      image: "Your picture", scan: "Your scan", item: "Like this one", trial: `Stored scan ${query.id}`,
    }[query.kind];
    at("trial").value = query.kind === "trial" ? query.id : "";
    URL.revokeObjectURL(preview);
    preview = query.kind === "image" ? URL.createObjectURL(query.file) : "";
    if (preview) picture(at("query-image"), preview, "Your picture");
    document.title = `${at("query-title").textContent} · Engram`;
    return;
  }
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

function showProblem({ title, detail }) {
  at("hits").replaceChildren();
  at("more").hidden = true;
  at("heading").textContent = "Nothing to show";
  at("status").textContent = "";
  at("problem-title").textContent = title;
  at("problem-detail").textContent = detail;
  at("problem").hidden = false;
}

// lookAtResults moves the reader to a new answer: the focus for the keyboard,
// the view for a phone, whose query is above the results.
function lookAtResults() {
  at("found").focus({ preventScroll: true });
  const narrow = matchMedia("(max-width: 50rem)").matches;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  scrollTo({ top: narrow ? at("query").offsetTop - 12 : 0, behavior: calm ? "auto" : "smooth" });
}

// start shows the way in: a few items to click.
async function start() {
  running?.abort();
  asked = null;
  document.body.classList.remove("asked");
  document.title = "Engram";
  at("query").hidden = at("problem").hidden = at("more").hidden = true;
  at("hits").removeAttribute("aria-busy");
  at("trial").value = "";
  try {
    const { items, total } = await showItems("");
    if (asked) return;
    at("heading").textContent = items.length ? "Or start with one of these" : "The index is empty";
    at("status").textContent = `${total.toLocaleString("en")} images to search`;
  } catch (error) {
    showProblem(error);
  }
}

// showItems adds a page of items to the ones on show, or begins with one for "". The
// button asks for the next.
async function showItems(after) {
  at("more").hidden = true;
  const page = await getJSON(`v1/items?limit=12&safe=${!showsUnsafe()}${after && `&after=${after}`}`);
  if (asked) return page;
  if (!after) at("hits").replaceChildren();
  at("hits").append(...page.items.map((item) => card(item)));
  at("more").hidden = !page.next;
  at("more").dataset.after = page.next || "";
  return page;
}

// --- what the server has --------------------------------------------------

function showServer() {
  const { index, encoder, decoder } = server;
  at("choose-image").hidden = !encoder;
  at("choose-scan").hidden = !decoder;
  at("drop").hidden = !encoder && !decoder;
  at("drop-title").textContent = encoder && decoder ? "Drop a picture or a scan" : encoder ? "Drop a picture" : "Drop a scan";
  at("drop-hint").hidden = !encoder;
  at("promise").textContent = decoder ? "Search images with a brain scan" : "Search images by example";
  if (!encoder && !decoder) at("intro").textContent = "Each item leads to the ones nearest to it.";
  if (decoder) {
    at("intro").textContent = "A decoder turns a brain scan into a point in a space where like lies near like, "
      + "and Engram finds the images around it. What you send is not kept.";
  }
  const facts = [["Index", `${index.name || "unnamed"}: ${index.count.toLocaleString("en")} items of ${index.dim} dimensions`]];
  if (index.data) facts.push(["Images from", index.data]);
  facts.push(["Image model", encoder ? encoder.model.name + (encoder.assumed ? " (assumed)" : "") : "none loaded"]);
  facts.push(["Scan decoder", decoder ? `${decoder.name}, ${decoder.voxels.toLocaleString("en")} voxels` : "none loaded"]);
  if (decoder?.data) facts.push(["Decoder trained on", decoder.data]);
  at("about").replaceChildren(...facts.map(([term, text]) => element("div", "", element("dt", "", term), element("dd", "", text))));
}

// showTrials offers all stored scans, page by page: a study has tens of thousands.
async function showTrials() {
  at("trials").hidden = false;
  for (let offset = 0; offset !== undefined;) {
    const { trials, next } = await getJSON(`v1/trials?limit=1000&offset=${offset}`);
    at("trial").append(...trials.map((trial) => new Option(trial.seen ? `${trial.id} · saw ${trial.seen}` : trial.id, trial.id)));
    if (asked?.kind === "trial") at("trial").value = asked.id; // it may be on this page
    offset = next;
  }
  at("trial").options[0].textContent = `Pick one of ${server.trials.toLocaleString("en")}…`;
}

// --- what the visitor does ------------------------------------------------

function askFile(file) {
  if (!file) return;
  const isScan = /\.(npy|nii|nii\.gz)$/i.test(file.name);
  ask({ kind: isScan ? "scan" : "image", file, k: PAGE });
}

for (const id of ["image-file", "scan-file"]) {
  at(id).addEventListener("change", (event) => {
    const [file] = event.target.files;
    if (file) ask({ kind: id === "scan-file" ? "scan" : "image", file, k: PAGE });
    event.target.value = ""; // the same file may be chosen again
  });
}

addEventListener("dragover", (event) => {
  event.preventDefault();
  at("drop").classList.add("over");
});
addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) at("drop").classList.remove("over");
});
addEventListener("drop", (event) => {
  event.preventDefault();
  at("drop").classList.remove("over");
  askFile(event.dataTransfer.files[0]);
});
addEventListener("paste", (event) => askFile(event.clipboardData?.files[0]));

document.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  // A click with a modifier means another tab; the address alone answers it.
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  if (link.dataset.item) {
    event.preventDefault();
    ask({ kind: "item", id: link.dataset.item, k: PAGE });
  } else if (link.id === "home") {
    event.preventDefault();
    history.pushState({}, "", addressOf(new URLSearchParams()));
    start();
  }
});

at("trial").addEventListener("change", (event) => {
  if (event.target.value) ask({ kind: "trial", id: event.target.value, k: PAGE });
});
at("trials").addEventListener("submit", (event) => {
  event.preventDefault();
  const others = [...at("trial").options].slice(1).filter((option) => option.value !== asked?.id);
  if (others.length) ask({ kind: "trial", id: others[Math.floor(Math.random() * others.length)].value, k: PAGE });
});
at("more").addEventListener("click", () => {
  if (asked) ask({ ...asked, k: Math.min(asked.k + PAGE, server.max_k) });
  else showItems(at("more").dataset.after).catch(showProblem);
});
at("unsafe").addEventListener("change", () => {
  const params = new URLSearchParams(location.search);
  params.delete("unsafe");
  history.replaceState(history.state, "", addressOf(params));
  if (asked) ask({ ...asked }, { push: false });
  else start();
});
addEventListener("popstate", followAddress);

try {
  server = await getJSON("v1/info");
  showServer();
} catch (error) {
  showProblem(error);
}
if (server) followAddress();
if (server?.trials) showTrials().catch(showProblem);
