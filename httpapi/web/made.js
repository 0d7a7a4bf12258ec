// The reconstruction of a scan: a job of the server, whose steps are shown as they come.

import { getJSON } from "./api.js";
import { at, count, element } from "./dom.js";
import { baseOf, isScan, scanRequest } from "./query.js";

let events = null; // EventSource of the job on show
let shown = ""; // its id

// showMade shows the reconstruction of a query's scan, or the button that asks for one.
export function showMade(query, server) {
  at("made").hidden = !(isScan(query) && server.reconstructs);
  if (at("made").hidden) return stop();
  if (query.job === shown && shown) return;
  stop();
  at("made-status").textContent = "";
  at("made-pictures").replaceChildren();
  at("made-progress").hidden = at("made-cancel").hidden = true;
  at("reconstruct").hidden = false;
  if (query.job) follow(query.job);
}

function stop() {
  events?.close();
  events = null;
  shown = "";
}

// reconstruct asks for a reconstruction of a query's scan and returns the job's id.
export async function reconstruct(query) {
  at("reconstruct").hidden = true;
  try {
    const { id } = await getJSON(`${baseOf(query)}jobs/reconstruct`, scanRequest(query));
    return id;
  } catch (error) {
    at("reconstruct").hidden = false;
    throw error;
  }
}

// cancelMade ends the job on show.
export const cancelMade = () => getJSON(`v1/jobs/${shown}`, { method: "DELETE" });

// follow shows a job until it has ended. The browser asks again where it lost the server, and
// gets the job as it is then.
function follow(id) {
  shown = id;
  at("reconstruct").hidden = true;
  events = new EventSource(`v1/jobs/${encodeURIComponent(id)}/events`);
  events.addEventListener("job", (event) => show(JSON.parse(event.data)));
  events.addEventListener("error", () => {
    if (events?.readyState !== EventSource.CLOSED) return;
    say("This reconstruction is not kept any more.");
    at("reconstruct").hidden = false;
  });
}

const ends = {
  succeeded: (job) => `Done in ${((new Date(job.ended) - new Date(job.started)) / 1000).toFixed(1)} seconds.${caption(job.result)}`,
  failed: (job) => `It failed: ${job.error}.`,
  cancelled: () => "Cancelled.",
  interrupted: () => "The server was interrupted in it.",
};

const caption = ({ caption }) => (caption ? ` In words, the scan is most like “${caption}”.` : "");

function show(job) {
  const end = ends[job.state];
  at("made-progress").hidden = at("made-cancel").hidden = Boolean(end);
  at("made-progress").max = job.total || 1;
  at("made-progress").value = job.done || 0;
  at("made-step").textContent = !end && job.total ? `Step ${count(job.done || 0)} of ${count(job.total)}` : "";
  if (end) {
    events?.close();
    say(end(job));
    at("reconstruct").hidden = job.state === "succeeded";
  } else {
    say(job.state === "queued" ? "Waiting for its turn…" : "Drawing…");
  }
  pictures(job);
}

// say changes what a screen reader reads, only where it is something new.
function say(text) {
  if (at("made-status").textContent !== text) at("made-status").textContent = text;
}

const kinds = [
  ["picture.png", "Reconstruction", "What the scan was reconstructed to"],
  ["blurry.png", "Low level", "The blurry image that the low-level model predicts"],
];

// pictures shows what there is so far: the newest step of all candidates, then the picture.
function pictures(job) {
  const files = job.files || [];
  const list = kinds.filter(([name]) => files.includes(name));
  const step = files.findLast((name) => name.startsWith("preview-"));
  if (step) list.push([step, list[0]?.[0] === "picture.png" ? "Candidates" : "Candidates so far", "The pictures that the best is chosen from"]);
  at("made-pictures").replaceChildren(...list.map(([name, title, alt]) => {
    const address = `${job.url}/files/${name}`;
    const img = [...at("made-pictures").querySelectorAll("img")].find((old) => old.getAttribute("src") === address) || new Image();
    if (!img.src) Object.assign(img, { src: address, alt });
    return element("figure", "", element("figcaption", "", title), img);
  }));
}
