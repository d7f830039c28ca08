// What can be done with the photo that is looked at? The desk: progress, strength, blurs to choose from, tools.

import * as api from "./api.js";
import { painted, showBrush, startBrush } from "./brush.js";
import { by, careful, droppable, make, reveal, say, settled, trouble } from "./dom.js";
import { drawing, startEditor, take } from "./editor.js";
import {
  addExample, addFiles, beginAgain, current, onChange, readPlace, removePhoto, restore, stop, useKernel,
} from "./photos.js";
import { boxIsShown, place, showBox } from "./places.js";
import { showReceipt } from "./receipt.js";
import { show, showPreview, startViewer } from "./viewer.js";
import { startLens } from "./lens.js";

let drawn = null; // the photo, result and wish that are shown
let stage = ""; // what was said last

/** Show all there is of the chosen photo. */
function refresh() {
  const photo = current();
  reveal("desk", Boolean(photo), "main");
  if (!photo) {
    by("welcome").hidden = false;
    drawn = null;
    return;
  }
  showReceipt(photo);
  reveal("welcome", false, "headline");
  const { result, state, wish } = photo;
  by("name").textContent = photo.name;
  if (drawn?.photo !== photo) showBox(false);
  if (drawn?.photo !== photo || drawn?.wish !== wish) {
    by("strength").value = Math.round(100 * wish.strength);
    document.querySelector(`[name=where][value="${wish.mask && wish.mask !== "auto" ? "paint" : wish.mask ?? ""}"]`).checked = true;
    by("method").value = wish.method;
    showBrush(photo, false);
  }
  by("strength-told").textContent = `${by("strength").value} %`;
  const ended = drawn?.state && !state; // a preview of what was stopped may be shown
  const fresh = drawn?.photo !== photo || drawn?.result !== result;
  if (fresh || ended) show(photo, result);
  if (fresh || drawn?.wish !== wish || drawn?.kernels !== photo.kernels.length) listKernels(photo);
  if (photo.error && drawn?.error !== photo.error) by("desk").scrollIntoView(); // the receipt says why
  drawn = { photo, result, wish, state, error: photo.error, kernels: photo.kernels.length };
  by("viewer").classList.toggle("working", Boolean(state));
  reveal("progress", Boolean(state), "headline");
  if (state) {
    by("share").value = state.share;
    by("stage").textContent = api.inWords(state);
    if (stage !== state.stage) say(api.inWords(state));
    stage = state.stage;
    if (state.preview) showPreview(state.preview);
  }
  by("strength-block").hidden = !result?.kernel;
  by("from-found").disabled = !result?.kernel;
}

/** The blurs that there are to choose from: the one of the whole photo, and all that were read, drawn or loaded. */
function listKernels(photo) {
  const { result, wish, kernels } = photo;
  const { found } = photo;
  const whole = {
    id: null, origin: "found in the whole photo", picture: found?.picture, length_px: found?.length_px,
  };
  const focused = by("kernels").contains(document.activeElement);
  by("kernels").replaceChildren(...[whole, ...kernels].map((one) => make(
    "li", {}, make(
      "label", {},
      make("input", {
        type: "radio", name: "kernel", value: one.id ?? "", checked: (wish.kernel ?? null) === one.id,
        onchange: () => restore(photo, { kernel: one.id, force: Boolean(one.id) && by("force").checked }),
      }),
      one.picture ? make("img", { src: one.picture, alt: "" }) : make("span"),
      make("span", {}, one.origin, make("small", {}, one.length_px ? `${Math.round(one.length_px)} px long` : "none yet")),
    ),
  )));
  if (focused) by("kernels").querySelector("input:checked")?.focus({ preventScroll: true });
  const file = result?.files.kernel_file;
  reveal("save-kernel", Boolean(file), "add-place");
  if (file) by("save-kernel").href = file;
}

function startTools() {
  by("strength").addEventListener("input", () => { by("strength-told").textContent = `${by("strength").value} %`; });
  const rework = settled(restore, 150);
  by("strength").addEventListener("change", () => {
    const photo = current(); // now: another may be chosen when it has settled
    photo.wish.strength = Number(by("strength").value) / 100;
    rework(photo, { strength: photo.wish.strength });
  });
  by("desk").addEventListener("change", () => trouble()); // what was wrong before
  by("cancel").addEventListener("click", () => { stop(current()); say("Cancelled"); });
  by("again").addEventListener("click", () => beginAgain(current()));
  by("remove").addEventListener("click", () => removePhoto(current()));
  by("method").addEventListener("change", () => restore(current(), { method: by("method").value }));

  by("add-place").addEventListener("click", () => showBox(!boxIsShown()));
  by("read-place").addEventListener("click", () => {
    trouble();
    readPlace(current(), place());
    showBox(false);
  });

  by("from-found").addEventListener("click", () => take(current().result.kernel.values));
  by("use-kernel").addEventListener("click", () => careful(async () => {
    const photo = current();
    const values = drawing();
    if (!values) throw new Error("The drawing is empty: paint where the light went.");
    await useKernel(photo, await api.post(`photos/${photo.id}/kernels`, { values }), by("force").checked);
  }));
  by("kernel-file").addEventListener("change", (event) => careful(async () => {
    const photo = current();
    const [file] = event.target.files;
    event.target.value = "";
    const told = await api.upload(`photos/${photo.id}/kernels/file?name=${encodeURIComponent(file.name)}`, file);
    take(told.values);
    await useKernel(photo, told, by("force").checked);
  }));

  for (const radio of document.querySelectorAll("[name=where]")) {
    radio.addEventListener("change", () => {
      showBrush(current(), radio.value === "paint");
      if (radio.value !== "paint") restore(current(), { mask: radio.value || null });
    });
  }
  by("brush-again").addEventListener("click", () => showBrush(current(), true));
  by("brush-use").addEventListener("click", () => careful(async () => {
    const photo = current();
    const blob = await painted();
    if (!blob) throw new Error("Nothing is painted yet: paint on the photo what is to be restored.");
    const told = await api.upload(`photos/${photo.id}/masks`, blob);
    showBrush(photo, false);
    await restore(photo, { mask: told.id });
  }));
  for (const tool of document.querySelectorAll(".side details")) {
    tool.addEventListener("toggle", () => {
      if (tool.open) return;
      if (tool.id === "tool-blur") showBox(false);
      if (tool.id === "tool-mask" && current()) showBrush(current(), false);
    });
  }
}

export function startDeblur(about) {
  for (const [name, told] of Object.entries(about.methods)) by("method").append(make("option", { value: name }, `${name}: ${told}`));
  onChange(refresh);
  startViewer();
  startLens();
  startBrush();
  startEditor();
  startTools();
  by("choose").addEventListener("change", (event) => {
    addFiles([...event.target.files]);
    event.target.value = "";
  });
  for (const button of document.querySelectorAll("[data-example]")) {
    button.addEventListener("click", () => addExample(button.dataset.example));
  }
  droppable(by("panel-deblur"), addFiles);
}
