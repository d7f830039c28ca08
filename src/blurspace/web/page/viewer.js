// What is shown of a photo: before and after with a seam between, its blur drawn upon it, or the map of its sharpness?

import { by, placeOn } from "./dom.js";
import { lookAt, showLens } from "./lens.js";

const modes = [...document.querySelectorAll("#modes input")];
const TINY = 320; // px of the long side, below which a photo is shown larger than it is
let shown = { photo: null, result: null };

/** Show a photo and its result; where there is none yet, the photo alone. */
export function show(photo, result) {
  const fresh = shown.photo !== photo;
  shown = { photo, result };
  const before = by("before");
  if (fresh) {
    before.src = photo.view;
    before.width = photo.width;
    before.height = photo.height;
    by("viewer").classList.toggle("tiny", Math.max(photo.width, photo.height) < TINY);
    by("viewer").style.setProperty("--ratio", photo.width / photo.height);
  }
  const files = result?.files ?? {};
  by("chip-after").textContent = "after";
  if (files.view) by("after").src = files.view;
  else by("after").removeAttribute("src");
  for (const radio of modes) radio.disabled = radio.value === "compare" ? false : !files[radio.value];
  if (modes.find((radio) => radio.checked).disabled) modes[0].checked = true;
  draw();
}

export const mode = () => modes.find((radio) => radio.checked).value;

function draw() {
  const files = shown.result?.files ?? {};
  const compared = mode() === "compare" && Boolean(files.view);
  for (const id of ["after", "chip-before", "chip-after", "seam", "cut"]) by(id).hidden = !compared;
  const layer = by("layer");
  layer.hidden = mode() === "compare";
  if (!layer.hidden) layer.src = files[mode()];
  layer.className = `layer ${mode()}`;
  layer.alt = mode() === "map" ? "Map: which parts are sharp, which are blurred" : "The blur, drawn larger than it is";
  by("viewer").classList.toggle("dim", mode() === "field");
  by("legend").hidden = mode() !== "map";
  showLens(shown.photo, compared ? files.view : null);
}

/** Show how a result will look, until it is there. */
export function showPreview(address) {
  if (by("after").hidden || by("after").getAttribute("src") === address) return;
  by("after").src = address;
  by("chip-after").textContent = "preview";
  showLens(shown.photo, address);
}

function cut() {
  by("viewer").style.setProperty("--cut", `${by("cut").value}%`);
}

/** `broken` is called where a picture cannot be had: another tab may have replaced it. */
export function startViewer(broken) {
  for (const id of ["before", "after", "layer"]) by(id).addEventListener("error", broken);
  for (const radio of modes) radio.addEventListener("change", draw);
  by("cut").addEventListener("input", cut);
  by("viewer").addEventListener("pointermove", (event) => lookAt(placeOn(by("before"), event)));
  by("viewer").addEventListener("pointerdown", (event) => lookAt(placeOn(by("before"), event)));
}
