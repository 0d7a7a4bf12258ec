// What the visitor asks for, the address that names it, and the search that answers it.
//
// A query is {text, trial, file, kind, items, less, filters, fold}: words, a stored scan, a
// file of the kind "image" or "scan", ids of items to find more and less of, values by
// payload key, whether near-duplicates are folded (null: as the kind of query has it), the
// job that reconstructs the scan, and the subject whose scans are meant ("": the server's own).

export const PAGE = 30; // hits of a page

// WORDS is the weight of words beside a picture, a scan or an item. The cosines of texts
// with pictures spread less than the cosines of pictures with pictures, so that words of
// weight 1 would hardly be heard. LESS is the weight of what less is wanted of.
const WORDS = 2;
const LESS = -0.5;

export const empty = (subject = "") => ({ subject, text: "", trial: "", file: null, kind: "", items: [], less: [], filters: {}, fold: null, job: "" });

// baseOf returns how the addresses of the routes begin that read scans of a query's subject.
export const baseOf = ({ subject }) => (subject ? `v1/subjects/${encodeURIComponent(subject)}/` : "v1/");

// asks tells whether there is anything to search for.
export const asks = (query) => Boolean(query.text || query.trial || query.file || query.items.length);

export const isScan = (query) => Boolean(query.trial || query.kind === "scan");

// folds tells whether near-duplicates are folded. A scan is to find one picture among
// others like it, so there they are not.
export const folds = (query) => query.fold ?? !isScan(query);

const uploads = []; // files of this visit, so that "back" finds them again

// remember returns what the history keeps of a query beside its address.
export function remember(query) {
  if (!query.file) return {};
  let upload = uploads.findIndex((kept) => kept.file === query.file);
  if (upload < 0) upload = uploads.push({ file: query.file, kind: query.kind }) - 1;
  return { upload };
}

// addressOf writes a query; show is the item in the viewer.
export function addressOf(query, { unsafe = false, show = "" } = {}) {
  const params = new URLSearchParams();
  if (query.subject) params.set("subject", query.subject);
  if (query.text) params.set("q", query.text);
  if (query.trial) params.set("trial", query.trial);
  for (const id of query.items) params.append("item", id);
  for (const id of query.less) params.append("less", id);
  for (const [key, values] of Object.entries(query.filters)) {
    for (const value of values) params.append(`${typeof value === "boolean" ? "is" : "f"}.${key}`, value);
  }
  if (query.fold !== null) params.set("fold", query.fold ? "1" : "0");
  if (query.job) params.set("job", query.job);
  if (unsafe) params.set("unsafe", "1");
  if (show) params.set("show", show);
  return params.size ? `?${params}` : location.pathname;
}

// fromAddress reads what the address and the history say.
export function fromAddress() {
  const params = new URLSearchParams(location.search);
  const query = { ...empty(), ...(uploads[history.state?.upload] || {}) };
  query.subject = params.get("subject") || "";
  query.text = params.get("q") || "";
  query.trial = params.get("trial") || "";
  query.items = params.getAll("item");
  query.less = params.getAll("less");
  query.job = params.get("job") || "";
  if (params.has("fold")) query.fold = params.get("fold") === "1";
  for (const [name, value] of params) {
    const [, kind, key] = name.match(/^(f|is)\.(.+)$/) || [];
    if (key) (query.filters[key] ??= []).push(kind === "is" ? value === "true" : value);
  }
  return { query, unsafe: params.get("unsafe") === "1", show: params.get("show") || "" };
}

// keyOf is the same for queries with the same answer.
export function keyOf(query, unsafe) {
  return addressOf({ ...query, job: "" }, { unsafe }) + (query.file ? `#${remember(query).upload}` : "");
}

// filterOf returns the filter: one of the values of each key.
export function filterOf({ filters }) {
  const all = Object.entries(filters).filter(([, values]) => values.length).map(([key, values]) => {
    const any = values.map((value) => ({ key, equal: value }));
    return any.length === 1 ? any[0] : { or: any };
  });
  return all.length > 1 ? { and: all } : all[0];
}

// partsOf returns the parts of a query as a search has them, without the file.
function partsOf(query) {
  const parts = [];
  if (query.trial) parts.push({ trial: query.trial });
  for (const id of query.items) parts.push({ item: id });
  if (query.text) parts.push({ text: query.text, weight: parts.length || query.file ? WORDS : 1 });
  for (const id of query.less) parts.push({ item: id, weight: LESS });
  return parts;
}

// requestOf returns the search for a page of a query's answer.
export function requestOf(query, { unsafe = false, after = "" } = {}) {
  const options = { k: PAGE, safe: !unsafe, fold: folds(query), explain: true };
  const filter = filterOf(query);
  if (after) options.after = after;
  const parts = partsOf(query);
  if (query.file) {
    const form = new FormData();
    for (const [name, value] of Object.entries(options)) form.append(name, value);
    if (filter) form.append("filter", JSON.stringify(filter));
    form.append(query.kind, query.file);
    for (const { weight = 1, ...part } of parts) {
      for (const [name, value] of Object.entries(part)) form.append(name, value);
      form.append("weight", weight);
    }
    return { method: "POST", body: form };
  }
  if (filter) options.filter = filter;
  const what = parts.length === 1 ? { ...parts[0] } : { parts };
  delete what.weight;
  return { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ ...what, ...options }) };
}

// scanRequest returns the request for the activity of a query's scan.
export function scanRequest(query) {
  if (query.trial) {
    return { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ trial: query.trial }) };
  }
  const form = new FormData();
  form.append("scan", query.file);
  return { method: "POST", body: form };
}
