// The page: follows what the visitor does and the address, asks the server and has the
// answer drawn.

import { getJSON, keep } from "./api.js";
import { showAbout, showComposer, showServer } from "./composer.js";
import { at } from "./dom.js";
import { changed, openFacet, pressed, showFacets } from "./facets.js";
import { cancelMade, reconstruct, showMade } from "./made.js";
import { addressOf, asks, baseOf, empty, fromAddress, keyOf, remember, requestOf } from "./query.js";
import { download, headingOf, showHits, toggleTwins } from "./results.js";
import { fit, markRegion, pressedRegion, pressRegion, showScan, showSeen } from "./scan.js";
import { anyTrial, hasMoreItems, moreItems, moreTrials, showStart, showSubjects } from "./start.js";
import { closeViewer, neighbours, openViewer, shown } from "./viewer.js";

const KEPT = 30; // answers of this visit, for "back"

const state = {
  server: null, // GET v1/info
  subjects: [], // {id, decoder, trials} of GET v1/subjects, where there are several
  query: empty(),
  key: null, // of the query on show
  answer: null, // {hits, next, first}: the hits on show, the next page's cursor and the first page
  running: null, // AbortController of the search under way
  loading: false, // the next page
};
const answers = new Map(); // {answer, scroll} by key
let startScroll = 0;

const unsafe = () => at("unsafe").checked;

// fresh returns a query for nothing yet, of the subject on show.
const fresh = () => empty(state.query.subject);

// about returns what the server says of itself, with the decoder and the scans of a query's
// subject.
const about = ({ subject }) => ({ ...state.server, ...state.subjects.find(({ id }) => id === subject) });

// --- queries ---------------------------------------------------------------

// go shows the answer to a query under an address of its own.
function go(query, options) {
  const address = addressOf(query, { unsafe: unsafe() });
  const kept = remember(query);
  leave();
  if (keyOf(query, unsafe()) !== state.key) history.pushState(kept, "", address);
  else history.replaceState(kept, "", address);
  closeViewer();
  return show(query, options);
}

// leave notes how far the visitor has scrolled.
function leave() {
  const kept = answers.get(state.key);
  if (kept) kept.scroll = scrollY;
  if (state.key !== null && !asks(state.query)) startScroll = scrollY;
}

// show draws the answer to a query: one of before, or what the server says.
async function show(query, { focus = true, back = false } = {}) {
  state.running?.abort();
  state.running = new AbortController();
  const { signal } = state.running;
  const key = keyOf(query, unsafe());
  Object.assign(state, { query, key, answer: null, loading: false });
  at("problem").hidden = at("more").hidden = true;
  document.body.classList.toggle("start", !asks(query));
  at("start").hidden = asks(query);
  at("answer").hidden = !asks(query);
  at(asks(query) ? "answer-tools" : "start-tools").append(at("unsafe-label"));
  at("hits").removeAttribute("aria-busy");
  if (state.subjects.length) showServer(about(query));
  showComposer(query, unsafe());
  try {
    if (asks(query)) await showAnswer(query, { key, signal, focus, back });
    else await begin(back);
  } catch (error) {
    if (error.name === "AbortError" || signal.aborted) return;
    showFailure(error);
  }
  if (state.running?.signal === signal) at("hits").removeAttribute("aria-busy");
}

// begin shows the start.
async function begin(back) {
  document.title = "Engram";
  scrollTo(0, back ? startScroll : 0);
  showSubjects(state.subjects, state.query);
  await showStart(about(state.query), state.query, unsafe());
  if (!asks(state.query)) at("more").hidden = !hasMoreItems();
}

async function showAnswer(query, { key, signal, focus, back }) {
  at("heading").textContent = headingOf(query);
  document.title = `${headingOf(query)} · Engram`;
  const kept = answers.get(key);
  showFacets(query);
  const scan = showScan(query, about(query), signal);
  showMade(query, about(query));
  if (kept) {
    draw(query, kept.answer);
  } else {
    at("hits").setAttribute("aria-busy", "true");
    at("status").textContent = "Searching…";
  }
  scrollTo(0, back && kept ? kept.scroll : 0);
  if (focus) at("results").focus({ preventScroll: true });
  if (!kept) {
    const result = await getJSON(`${baseOf(query)}search`, { ...requestOf(query, { unsafe: unsafe() }), signal });
    const answer = { hits: [], next: "", first: null };
    state.answer = answer;
    for (const part of [result.query, ...(result.query.parts || [])]) if (part.item) keep(part.item);
    showHits(answer, result, context());
    finish(query, answer);
    answers.set(key, { answer, scroll: 0 });
    if (answers.size > KEPT) answers.delete(answers.keys().next().value);
  }
  await scan;
}

// draw shows the hits of an answer again.
function draw(query, answer) {
  state.answer = { hits: [], next: "", first: null };
  showHits(state.answer, { ...answer.first, hits: answer.hits, next: answer.next }, context());
  state.answer.first = answer.first;
  answers.set(state.key, { answer: state.answer, scroll: answers.get(state.key).scroll });
  finish(query, state.answer);
}

function finish(query, answer) {
  showComposer(query, unsafe());
  showSeen(query, answer);
  at("more").hidden = !answer.next;
}

const context = () => ({ unsafe: unsafe(), server: about(state.query) });

// showFailure says what is wrong with what the address asks for, of which nothing is shown.
function showFailure(error) {
  at("hits").replaceChildren();
  at("status").textContent = "";
  at("more").hidden = at("how").hidden = at("download").hidden = at("made").hidden = true;
  showProblem(error);
}

// showProblem says what is wrong with what the visitor did. What was on show stays.
function showProblem({ title, detail, message }) {
  at("problem-title").textContent = title || "Something went wrong";
  at("problem-detail").textContent = detail || message;
  at("problem").hidden = false;
  at("problem").scrollIntoView({ block: "nearest" });
}

// more shows the next page of what is on show.
async function more() {
  if (state.loading || at("more").hidden) return;
  state.loading = true;
  const { key, query, answer } = state;
  try {
    if (!asks(query)) {
      await moreItems();
      if (state.key === key) at("more").hidden = !hasMoreItems();
    } else {
      const result = await getJSON(`${baseOf(query)}search`, { ...requestOf(query, { unsafe: unsafe(), after: answer.next }), signal: state.running?.signal });
      if (state.answer !== answer) return;
      showHits(answer, result, context());
      at("more").hidden = !answer.next;
    }
  } catch (error) {
    if (error.name !== "AbortError" && state.key === key) {
      at("more").hidden = true;
      at("status").textContent = error.detail || error.message;
    }
  } finally {
    if (state.key === key) {
      state.loading = false;
      again();
    }
  }
}

// --- the address -----------------------------------------------------------

// follow shows what the address says.
async function follow({ back = false } = {}) {
  const { query, unsafe: shows, show: item } = fromAddress();
  if (!query.subject && !state.server.decoder && state.subjects.length) query.subject = state.subjects[0].id;
  if (state.key !== null && back) leave();
  at("unsafe").checked = shows;
  if (keyOf(query, shows) !== state.key) {
    closeViewer();
    const showing = show(query, { focus: false, back });
    if (!item) return showing;
  }
  if (item) return openViewer(item, { unsafe: shows, less: asks(query) }).catch(lost);
  closeViewer();
}

function lost(error) {
  closeViewer();
  showProblem(error);
}

// view opens the viewer under an address of its own; turn goes to another image in it.
function view(id, { turn = false } = {}) {
  const address = addressOf(state.query, { unsafe: unsafe(), show: id });
  const kept = { ...remember(state.query), viewed: turn ? history.state?.viewed : true };
  if (turn) history.replaceState(kept, "", address);
  else history.pushState(kept, "", address);
  openViewer(id, { unsafe: unsafe(), less: asks(state.query) }).catch(lost);
}

// left follows the viewer that the visitor has closed.
function left() {
  if (!fromAddress().show) return;
  if (history.state?.viewed) history.back();
  else history.replaceState(remember(state.query), "", addressOf(state.query, { unsafe: unsafe() }));
}

// --- what the visitor does -------------------------------------------------

function goWords() {
  const query = { ...state.query, text: at("words").value.trim() };
  return go(asks(query) ? query : fresh());
}

function goFile(file) {
  if (!file) return;
  const scan = /\.(npy|nii|nii\.gz|f32)$/i.test(file.name);
  if (!scan && !file.type.startsWith("image/")) {
    showProblem({ title: "Not a picture or a scan", detail: `${file.name} is neither a picture nor a scan, wanted an image, or a scan as .npy, .nii, .nii.gz or .f32` });
    return;
  }
  const able = scan ? about(state.query).decoder : state.server?.encoder;
  if (able) go({ ...fresh(), file, kind: scan ? "scan" : "image" });
  else if (state.server) showProblem({ title: "Not here", detail: `this server has no model for ${scan ? "scans" : "pictures"}` });
}

// goLike searches for more, or less, of an item beside what is asked already.
function goLike(id, list) {
  const others = list === "items" ? "less" : "items";
  const without = (ids) => ids.filter((other) => other !== id);
  go({ ...state.query, [list]: [...without(state.query[list]), id], [others]: without(state.query[others]) });
}

// goMade reconstructs the scan on show, under the address of its search and the job.
async function goMade() {
  const { query, key } = state;
  at("problem").hidden = true;
  const job = await reconstruct(query);
  if (state.key !== key) return;
  state.query = { ...query, job };
  history.replaceState(remember(state.query), "", addressOf(state.query, { unsafe: unsafe() }));
  showMade(state.query, about(state.query));
}

function goWithout(what) {
  const query = { ...state.query };
  const [list, place] = what.split(" ");
  if (list === "file") Object.assign(query, { file: null, kind: "" });
  else if (list === "trial") query.trial = "";
  else query[list] = query[list].filter((_, i) => i !== Number(place));
  go(asks(query) ? query : fresh());
}

const clicks = {
  show: (id) => view(id),
  trial: (id) => go({ ...fresh(), trial: id }),
  words: (text) => go({ ...fresh(), text }),
  more: (id) => goLike(id, "items"),
  less: (id) => goLike(id, "less"),
  remove: goWithout,
  twins: (_, button) => toggleTwins(button, unsafe()).catch(showProblem),
  open: (key) => openFacet(key, state.query),
  region: (_, button) => pressRegion(button),
  browse: (_, chip) => go(pressed(state.query, chip)),
};

document.addEventListener("click", (event) => {
  const target = event.target.closest("a, button");
  // A click with a modifier means another tab; the address alone answers it.
  if (!target || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  if (target.id === "home") {
    event.preventDefault();
    go(fresh());
    return;
  }
  for (const [name, act] of Object.entries(clicks)) {
    if (target.dataset[name] === undefined) continue;
    event.preventDefault();
    act(target.dataset[name], target);
    return;
  }
});

at("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  goWords();
});
for (const kind of ["image", "scan"]) {
  at(`choose-${kind}`).addEventListener("click", () => at(`${kind}-file`).click());
  at(`${kind}-file`).addEventListener("change", (event) => {
    const [file] = event.target.files;
    if (file) go({ ...fresh(), file, kind });
    event.target.value = ""; // the same file may be chosen again
  });
}
at("facets").addEventListener("change", (event) => go(changed(state.query, event.target), { focus: false }));
at("facets").addEventListener("submit", (event) => event.preventDefault());
at("unsafe").addEventListener("change", () => go(state.query, { focus: false }));
at("download").addEventListener("click", () => download(state.query, state.answer));
at("more").addEventListener("click", more);
at("more-trials").addEventListener("click", () => moreTrials().catch(showProblem));
for (const id of ["surprise", "another"]) {
  at(id).addEventListener("click", async () => {
    const trial = await anyTrial(about(state.query), state.query).catch(showProblem);
    if (trial) go({ ...fresh(), trial });
  });
}

at("subject").addEventListener("change", ({ target }) => go(empty(target.value), { focus: false }));
at("reconstruct").addEventListener("click", () => goMade().catch(showProblem));
at("made-cancel").addEventListener("click", () => cancelMade().catch(showProblem));

at("viewer").addEventListener("close", left);
at("viewer-close").addEventListener("click", closeViewer);
at("viewer").addEventListener("click", (event) => { if (event.target === at("viewer")) closeViewer(); });
at("viewer-more").addEventListener("click", () => goLike(shown(), "items"));
at("viewer-less").addEventListener("click", () => goLike(shown(), "less"));
for (const side of ["previous", "next"]) at(`viewer-${side}`).addEventListener("click", () => turn(side));
addEventListener("keydown", (event) => {
  if (!shown()) return;
  const side = { ArrowLeft: "previous", ArrowRight: "next" }[event.key];
  if (side) turn(side);
});

function turn(side) {
  const id = neighbours(shown())[side];
  if (id) view(id, { turn: true });
}

addEventListener("dragover", (event) => {
  event.preventDefault();
  at("drop").hidden = !(state.server?.encoder || about(state.query).decoder);
});
addEventListener("dragleave", (event) => { if (!event.relatedTarget) at("drop").hidden = true; });
addEventListener("drop", (event) => {
  event.preventDefault();
  at("drop").hidden = true;
  goFile(event.dataTransfer.files[0]);
});
addEventListener("paste", (event) => goFile(event.clipboardData?.files[0]));
addEventListener("popstate", () => follow({ back: true }));
addEventListener("resize", fit);

at("regions").addEventListener("pointerover", (event) => { if (event.target.dataset.region) markRegion(event.target.dataset.region); });
at("regions").addEventListener("pointerout", () => markRegion(pressedRegion()));

// The next page comes before its place is reached.
const watch = new IntersectionObserver((entries) => { if (entries.some((entry) => entry.isIntersecting)) more(); }, { rootMargin: "600px" });
watch.observe(at("more"));

// again asks whether the place of the next page is in view still.
function again() {
  watch.unobserve(at("more"));
  watch.observe(at("more"));
}

// On a phone the filters wait behind their heading.
at("filters").open = matchMedia("(min-width: 60rem)").matches;
history.scrollRestoration = "manual";

try {
  state.server = await getJSON("v1/info");
  if (state.server.subjects > 1 || (state.server.subjects && !state.server.decoder)) ({ subjects: state.subjects } = await getJSON("v1/subjects"));
  showServer(state.server);
  showAbout(state.server);
} catch (error) {
  showProblem(error);
}
if (state.server) await follow();
