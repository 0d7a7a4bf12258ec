// A glass brain: three projections of a scan with the outlines of regions.

import { element, svg } from "./dom.js";

const STRONG = 24; // tenths of a standard deviation that are drawn in full

const NAMES = { above: "from above", behind: "from behind", right: "from the right" };
const WARM = [219, 84, 44];
const COOL = [37, 111, 190];

// drawViews returns a figure for each view of a brain, with the activity in it. Sides are
// proportional to millimetres: a view is --w by --h of them.
export function drawViews(brain, activity) {
  return brain.views.map((view, i) => {
    const width = view.width * view.pixel_mm[0];
    const height = view.height * view.pixel_mm[1];
    const canvas = element("canvas", "");
    paint(canvas, view, activity.views[i]);
    const made = element("div", "view", canvas, overlay(brain, view, i), ...labels(brain, view, i, view.pixel_mm));
    made.style.setProperty("--w", width);
    made.style.setProperty("--h", height);
    made.setAttribute("role", "img");
    made.setAttribute("aria-label", `Activity seen ${NAMES[view.from]}, ${view.left} on the left: ${strongest(brain, view, activity.views[i], i)}`);
    for (const [side, what] of [["left", view.left], ["right", view.right]]) {
      const letter = element("span", `side ${side}`, what[0].toUpperCase());
      letter.title = what;
      letter.setAttribute("aria-hidden", "true");
      made.append(letter);
    }
    return element("div", "projection", made, element("p", "quiet", NAMES[view.from]));
  });
}

// paint draws values, warm above and cool below 0, on the faint shadow of the voxels.
function paint(canvas, view, values) {
  canvas.width = view.width;
  canvas.height = view.height;
  const context = canvas.getContext("2d");
  const image = context.createImageData(view.width, view.height);
  values.forEach((value, at) => {
    if (value === null) return;
    const strength = Math.min(1, Math.abs(value) / STRONG) ** 1.3;
    const colour = value > 0 ? WARM : COOL;
    colour.forEach((one, c) => { image.data[4 * at + c] = one * strength + 128 * (1 - strength); });
    image.data[4 * at + 3] = 255 * (0.16 + 0.84 * strength);
  });
  context.putImageData(image, 0, 0);
}

// overlay draws the regions of a view, in pixels.
function overlay(brain, view, i) {
  const made = svg("svg", { viewBox: `0 0 ${view.width} ${view.height}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  brain.regions.forEach((region, r) => {
    const path = svg("path", { d: region.outlines[i].map(smooth).join(""), "vector-effect": "non-scaling-stroke" });
    path.dataset.region = r;
    made.append(path);
  });
  return made;
}

// labels names the regions where there is room: the largest outline of each has its name
// in its middle, unless another name is there.
function labels(brain, view, i, mm) {
  const placed = [];
  const made = [];
  brain.regions.forEach((region, r) => {
    const outlines = region.outlines[i].map((line) => ({ line, area: pixelsIn(line, view.width).length }));
    for (const { line } of outlines.sort((a, b) => b.area - a.area)) {
      const [x, y] = middleOf(line);
      const box = { x: x * mm[0], y: y * mm[1], w: 2.6 * region.name.length + 2, h: 5 };
      if (placed.some((other) => Math.abs(other.x - box.x) < (other.w + box.w) / 2 && Math.abs(other.y - box.y) < (other.h + box.h) / 2)) continue;
      placed.push(box);
      const name = element("span", "roi", region.name);
      name.dataset.region = r;
      name.style.left = `${(100 * x) / view.width}%`;
      name.style.top = `${(100 * y) / view.height}%`;
      made.push(name);
      break;
    }
  });
  return made;
}

// middleOf returns the mean of the corners of an outline.
function middleOf(line) {
  let [x, y] = [0, 0];
  for (let k = 0; k < line.length; k += 2) [x, y] = [x + line[k], y + line[k + 1]];
  return [(2 * x) / line.length, (2 * y) / line.length];
}

// smooth rounds the steps of an outline: curves through the middles of its sides.
function smooth(line) {
  const n = line.length;
  const middle = (k) => [(line[k % n] + line[(k + 2) % n]) / 2, (line[(k + 1) % n] + line[(k + 3) % n]) / 2];
  let path = `M${middle(0)}`;
  for (let k = 2; k <= n; k += 2) path += `Q${line[k % n]} ${line[(k + 1) % n]} ${middle(k)}`;
  return `${path}Z`;
}

// strongest names the regions with the strongest activity in a view, for whoever cannot see it.
function strongest(brain, view, values, i) {
  const sums = brain.regions.map((region) => {
    const inside = region.outlines[i].flatMap((line) => pixelsIn(line, view.width));
    const sum = inside.reduce((total, at) => total + (values[at] ?? 0), 0);
    return { name: region.name, mean: inside.length ? sum / inside.length / 10 : 0 };
  });
  if (!sums.length) return `${values.filter((value) => Math.abs(value ?? 0) > STRONG).length} strong places`;
  sums.sort((a, b) => Math.abs(b.mean) - Math.abs(a.mean));
  return sums.slice(0, 3).map(({ name, mean }) => `${name} ${mean > 0 ? "more" : "less"} active than usual`).join(", ");
}

// pixelsIn lists the pixels inside a closed outline, row by row between its upright sides.
function pixelsIn(line, width) {
  const rows = new Map();
  for (let k = 0; k < line.length; k += 2) {
    const [x, y, y2] = [line[k], line[k + 1], line[(k + 3) % line.length]];
    if (y === y2) continue;
    const row = Math.min(y, y2);
    rows.set(row, [...(rows.get(row) || []), x]);
  }
  const pixels = [];
  for (const [y, sides] of rows) {
    sides.sort((a, b) => a - b);
    for (let s = 0; s + 1 < sides.length; s += 2) {
      for (let x = sides[s]; x < sides[s + 1]; x += 1) pixels.push(y * width + x);
    }
  }
  return pixels;
}
