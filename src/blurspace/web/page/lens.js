// How does one place look at 100 %, before and after? Two lenses that look at the same place.

import { arrow, by, limit, sayPlace } from "./dom.js";

const STEP = 24; // px, of the photo, that an arrow key moves the lens
const pictures = { before: new Image(), after: new Image() };
let place = { x: 0.5, y: 0.5 };
let centre = place; // of what is shown: at the frame, not where the pointer is
let size = { width: 0, height: 0 };

for (const picture of Object.values(pictures)) picture.addEventListener("load", draw);

/** Look at a place, as shares of the photo's sides. */
export function lookAt(where) {
  place = { x: limit(where.x, 0, 1), y: limit(where.y, 0, 1) };
  draw();
}

/** Show the lenses for a photo and its result; without a result there is nothing to compare. */
export function showLens(photo, after) {
  by("lens").hidden = !after;
  by("frame").hidden = !after;
  if (!after) return;
  size = { width: photo.width, height: photo.height };
  if (pictures.before.getAttribute("src") !== photo.view) pictures.before.src = photo.view;
  if (pictures.after.getAttribute("src") !== after) pictures.after.src = after;
  draw();
}

function draw() {
  if (by("lens").hidden) return;
  const first = by("lens-before");
  const wide = Math.min(first.parentElement.clientWidth || 360, size.width);
  const high = Math.min(Math.round(wide / 1.5), size.height);
  const left = Math.round(limit(place.x * size.width - wide / 2, 0, size.width - wide));
  const top = Math.round(limit(place.y * size.height - high / 2, 0, size.height - high));
  centre = { x: (left + wide / 2) / size.width, y: (top + high / 2) / size.height };
  for (const [name, picture] of Object.entries(pictures)) {
    const canvas = by(`lens-${name}`);
    const dense = window.devicePixelRatio || 1;
    canvas.width = Math.round(wide * dense); // a px of the photo is a px of the page: 100 %
    canvas.height = Math.round(high * dense);
    canvas.style.width = `${wide}px`; // a photo narrower than the lens is not drawn larger
    const pen = canvas.getContext("2d");
    pen.imageSmoothingEnabled = false;
    if (picture.complete && picture.naturalWidth) {
      const share = picture.naturalWidth / size.width; // below 1 for a preview
      pen.drawImage(picture, share * left, share * top, share * wide, share * high, 0, 0, canvas.width, canvas.height);
    }
  }
  const frame = by("frame").style;
  frame.left = `${(100 * left) / size.width}%`;
  frame.top = `${(100 * top) / size.height}%`;
  frame.width = `${(100 * wide) / size.width}%`;
  frame.height = `${(100 * high) / size.height}%`;
}

/** On a phone held upright (style.css) the lenses are below the receipt: there for the keyboard too. */
function put() {
  const lens = by("lens");
  const stage = document.querySelector(".stage");
  const home = getComputedStyle(stage).display === "contents" ? by("side") : stage;
  if (lens.parentElement !== home) home.insertBefore(lens, home === stage ? null : by("tool-blur"));
  draw();
}

export function startLens() {
  window.addEventListener("resize", put);
  put();
  by("lens").addEventListener("keydown", (event) => {
    const move = arrow(event);
    if (!move) return;
    event.preventDefault();
    lookAt({ x: centre.x + (move[0] * STEP) / size.width, y: centre.y + (move[1] * STEP) / size.height });
    sayPlace(centre.x, centre.y);
  });
}
