// The page: asks the server what a visitor wants to know and draws the answer.

import { getJSON, request } from "./api.js";
import { PAGE, addressOf, at, fromAddress, remember, sameQuery, showsUnsafe, state } from "./state.js";
import { card, showHits, showProblem, showQuery, showServer } from "./view.js";

// ask runs a query and shows it. The address is changed first, so that it
// belongs to what the visitor waits for.
async function ask(query, { push = true } = {}) {
  const fresh = !sameQuery(state.asked, query);
  state.asked = query;
  if (push) remember(query);
  state.running?.abort();
  state.running = new AbortController();
  const { signal } = state.running;
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
  if (state.running?.signal === signal) at("hits").removeAttribute("aria-busy");
}

// askWords searches for words; an empty text leads back to the start.
function askWords(words) {
  const text = words.trim();
  if (text) ask({ kind: "text", text, k: PAGE });
  else toStart();
}

function followAddress() {
  at("unsafe").checked = new URLSearchParams(location.search).get("unsafe") === "1";
  const query = fromAddress();
  return query ? ask(query, { push: false }) : start();
}

// lookAtResults moves the reader to a new answer: the focus for the keyboard,
// the view for a phone, whose query is above the results.
function lookAtResults() {
  at("found").focus({ preventScroll: true });
  const narrow = matchMedia("(max-width: 50rem)").matches;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  scrollTo({ top: narrow ? at(at("query").hidden ? "found" : "query").offsetTop - 12 : 0, behavior: calm ? "auto" : "smooth" });
}

// start shows the way in: a few items to click.
async function start() {
  state.running?.abort();
  state.asked = null;
  document.body.classList.remove("asked");
  document.title = "Engram";
  at("query").hidden = at("problem").hidden = at("more").hidden = true;
  at("hits").removeAttribute("aria-busy");
  at("trial").value = at("words-text").value = "";
  try {
    const { items, total } = await showItems("");
    if (state.asked) return;
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
  if (state.asked) return page;
  if (!after) at("hits").replaceChildren();
  at("hits").append(...page.items.map((item) => card(item)));
  at("more").hidden = !page.next;
  at("more").dataset.after = page.next || "";
  return page;
}

// toStart shows the start under an address of its own.
function toStart() {
  history.pushState({}, "", addressOf(new URLSearchParams()));
  start();
}

// showTrials offers all stored scans, page by page: a study has tens of thousands.
async function showTrials() {
  at("trials").hidden = false;
  for (let offset = 0; offset !== undefined;) {
    const { trials, next } = await getJSON(`v1/trials?limit=1000&offset=${offset}`);
    at("trial").append(...trials.map((trial) => new Option(trial.seen ? `${trial.id} · saw ${trial.seen}` : trial.id, trial.id)));
    if (state.asked?.kind === "trial") at("trial").value = state.asked.id; // it may be on this page
    offset = next;
  }
  at("trial").options[0].textContent = `Pick one of ${state.server.trials.toLocaleString("en")}…`;
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
  } else if (link.dataset.words) {
    event.preventDefault();
    askWords(link.dataset.words);
  } else if (link.id === "home") {
    event.preventDefault();
    toStart();
  }
});

at("words").addEventListener("submit", (event) => {
  event.preventDefault();
  askWords(at("words-text").value);
});
at("refine").addEventListener("submit", (event) => {
  event.preventDefault();
  if (state.asked) ask({ ...state.asked, text: at("but").value.trim(), k: PAGE });
});
at("trial").addEventListener("change", (event) => {
  if (event.target.value) ask({ kind: "trial", id: event.target.value, k: PAGE });
});
at("trials").addEventListener("submit", (event) => {
  event.preventDefault();
  const others = [...at("trial").options].slice(1).filter((option) => option.value !== state.asked?.id);
  if (others.length) ask({ kind: "trial", id: others[Math.floor(Math.random() * others.length)].value, k: PAGE });
});
at("more").addEventListener("click", () => {
  if (state.asked) ask({ ...state.asked, k: Math.min(state.asked.k + PAGE, state.server.max_k) });
  else showItems(at("more").dataset.after).catch(showProblem);
});
at("unsafe").addEventListener("change", () => {
  const params = new URLSearchParams(location.search);
  params.delete("unsafe");
  history.replaceState(history.state, "", addressOf(params));
  if (state.asked) ask({ ...state.asked }, { push: false });
  else start();
});
addEventListener("popstate", followAddress);

try {
  state.server = await getJSON("v1/info");
  showServer();
} catch (error) {
  showProblem(error);
}
if (state.server) followAddress();
if (state.server?.trials) showTrials().catch(showProblem);
