// What is asked of the server.

import { showsUnsafe } from "./state.js";

// REFINES is the weight of words beside a picture, a scan or an item. The cosines of
// texts with pictures spread less than the cosines of pictures with pictures, so that
// words of weight 1 would hardly be heard.
const REFINES = 2;

export async function getJSON(address, options) {
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

// request returns the search for a query.
export function request(query) {
  if (query.file) {
    const form = new FormData();
    form.append("k", query.k);
    form.append("safe", !showsUnsafe());
    form.append(query.kind, query.file);
    if (query.text) {
      form.append("text", query.text);
      form.append("weight", REFINES);
    }
    return { method: "POST", body: form };
  }
  let what = { [query.kind]: query.kind === "text" ? query.text : query.id };
  if (query.kind !== "text" && query.text) what = { parts: [what, { text: query.text, weight: REFINES }] };
  return {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ...what, k: query.k, safe: !showsUnsafe() }),
  };
}
