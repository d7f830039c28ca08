// How does the blur of a pair get onto a third photo?

import * as api from "./api.js";
import { by, careful, droppable, reveal, say } from "./dom.js";

const picked = { sharp: null, blurry: null, to: null };
const captions = {}; // of the empty places, as the page came
let working = false;

async function pick(which, file) {
  const photo = await careful(() => api.upload(`photos?name=${encodeURIComponent(file.name)}`, file));
  if (!photo) return;
  if (picked[which]) api.remove(`photos/${picked[which].id}`).catch(() => {});
  put(which, photo);
}

/** Put a photo in its place, or none; a page that is loaded again finds it there. */
function put(which, photo) {
  picked[which] = photo;
  if (photo) sessionStorage.setItem(`pick-${which}`, photo.id);
  else sessionStorage.removeItem(`pick-${which}`);
  const place = document.querySelector(`[data-pick=${which}]`);
  const picture = place.querySelector("img");
  picture.hidden = !photo;
  if (photo) picture.src = photo.view;
  else picture.removeAttribute("src");
  place.querySelector("p").textContent = photo?.name ?? captions[which];
  ready();
}

/** Take in what was picked before the page was loaded again: what the server told of each photo. */
export function recallPicks(all) {
  for (const which of Object.keys(picked)) {
    const photo = all.find((one) => one.id === sessionStorage.getItem(`pick-${which}`));
    if (photo) put(which, photo);
  }
}

/** Whether it can begin. */
function ready() {
  const all = Object.values(picked).every(Boolean);
  by("transfer").disabled = !all || working;
  by("transfer-wants").hidden = all;
}

async function transfer() {
  const progress = by("transfer-progress");
  working = true;
  ready();
  try {
    const job = await api.post("transfers", { sharp: picked.sharp.id, blurry: picked.blurry.id, to: picked.to.id });
    progress.hidden = false;
    progress.scrollIntoView({ block: "nearest" });
    progress.querySelector("button").onclick = () => api.cancel(job);
    progress.querySelector("button").focus({ preventScroll: true }); // the other is disabled now
    const result = await api.follow(job, (state) => {
      progress.querySelector("progress").value = state.share;
      progress.querySelector("p").textContent = api.inWords(state);
    });
    if (result) shown(result);
  } finally {
    working = false;
    ready();
    reveal("transfer-progress", false, "transfer");
  }
}

/** How close two photos are, in words; nothing is told of those that are the same. */
const closeness = (db) => (db == null ? "exactly" : `to ${db.toFixed(1)} dB`);

function shown(result) {
  by("transferred").hidden = false;
  const { explained_db: explained, before_db: before } = result;
  const told = `The blur is about ${Math.round(result.length_px)} px long. Blurred with it, the sharp photo matches ` +
    `the blurry one ${closeness(explained)}; without it, ${closeness(before)} (more is closer).`;
  const little = (explained ?? Infinity) < (before ?? Infinity) + 1;
  const doubt = little ? " So it explains little: are they a sharp and a blurry photo of one scene?" : "";
  by("transfer-told").textContent = told + doubt;
  by("transfer-view").src = result.files.view;
  by("transfer-code").src = result.files.code;
  by("transfer-save").href = result.files.file;
  by("transfer-save").setAttribute("download", result.name);
  by("transferred").scrollIntoView({ block: "nearest" });
  say("The photo has the blur");
}

/** Show nothing of what the server has forgotten. */
export function emptyTransfer() {
  for (const which of Object.keys(picked)) put(which, null);
  by("transferred").hidden = true;
}

export function startTransfer() {
  for (const which of Object.keys(picked)) {
    captions[which] = document.querySelector(`[data-pick=${which}] p`).textContent;
    by(`pick-${which}`).accept = by("choose").accept;
    by(`pick-${which}`).addEventListener("change", (event) => {
      if (event.target.files.length) pick(which, event.target.files[0]);
      event.target.value = "";
    });
    droppable(document.querySelector(`[data-pick=${which}]`), ([file]) => pick(which, file));
  }
  by("transfer").addEventListener("click", () => careful(transfer));
}
