// What is asked of the server.

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

// items keeps the items that answers had, by id.
const items = new Map();

export function keep(item) {
  items.set(item.id, item);
  return item;
}

export const known = (id) => items.get(id);

export async function getItem(id) {
  return items.get(id) || keep(await getJSON(`v1/items/${id}`));
}

// once returns what asks for an address until it has an answer.
export function once(address) {
  let answer = null;
  return () => (answer ??= getJSON(address).catch((error) => {
    answer = null;
    throw error;
  }));
}
