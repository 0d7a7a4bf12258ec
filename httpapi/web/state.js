// What the page knows: the server, the query on show, and the address that names it.

export const PAGE = 24; // hits at first, and more at each press of "Show more"

export const at = (id) => document.getElementById(id);

export const state = {
  server: null, // GET v1/info
  asked: null, // the query on show: {kind, id?, file?, text?, k}
  running: null, // AbortController of the search under way
};

const uploads = new Map(); // queries with files of this visit, so that "back" finds them again

// showsUnsafe tells whether the visitor wants to see what is marked as unsafe;
// the address keeps it.
export const showsUnsafe = () => at("unsafe").checked;

// sameQuery tells whether two queries differ in the number of hits alone.
export function sameQuery(a, b) {
  return a && a.kind === b.kind && a.id === b.id && a.file === b.file && a.text === b.text;
}

// remember makes the address name a query.
export function remember(query) {
  const params = new URLSearchParams();
  const kept = {};
  if (query.file) {
    kept.upload = `${query.kind}-${uploads.size}`;
    uploads.set(kept.upload, query);
  } else {
    if (query.id) params.set(query.kind, query.id);
    if (query.text) params.set("q", query.text);
    if (query.k !== PAGE) params.set("k", query.k);
  }
  history.pushState(kept, "", addressOf(params));
}

export function addressOf(params) {
  if (showsUnsafe()) params.set("unsafe", "1");
  return params.size ? `?${params}` : location.pathname;
}

// fromAddress finds the query that the address names, or null for the start.
export function fromAddress() {
  const params = new URLSearchParams(location.search);
  const k = Math.max(1, Number.parseInt(params.get("k"), 10) || PAGE);
  const text = params.get("q") || "";
  for (const kind of ["item", "trial"]) {
    if (params.has(kind)) return { kind, id: params.get(kind), text, k };
  }
  return text ? { kind: "text", text, k } : uploads.get(history.state?.upload) || null;
}
