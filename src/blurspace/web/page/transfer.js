// How does the blur of a pair get onto a third photo?

import * as api from "./api.js";
import { by, careful, droppable, say } from "./dom.js";

const picked = { sharp: null, blurry: null, to: null };
const captions = {}; // of the empty places, as the page came

async function pick(which, file) {
  const place = document.querySelector(`[data-pick=${which}]`);
  const photo = await careful(() => api.upload(`photos?name=${encodeURIComponent(file.name)}`, file));
  if (!photo) return;
  if (picked[which]) api.remove(`photos/${picked[which].id}`).catch(() => {});
  picked[which] = photo;
  const picture = place.querySelector("img");
  picture.src = photo.view;
  picture.hidden = false;
  place.querySelector("p").textContent = photo.name;
  ready();
}

/** Whether it can begin. */
function ready() {
  const all = Object.values(picked).every(Boolean);
  by("transfer").disabled = !all;
  by("transfer-wants").hidden = all;
}

async function transfer() {
  const progress = by("transfer-progress");
  const job = await api.post("transfers", { sharp: picked.sharp.id, blurry: picked.blurry.id, to: picked.to.id });
  progress.hidden = false;
  progress.scrollIntoView({ block: "nearest" });
  progress.querySelector("button").onclick = () => api.cancel(job);
  let result;
  try {
    result = await api.follow(job, (state) => {
      progress.querySelector("progress").value = state.share;
      progress.querySelector("p").textContent = api.inWords(state);
    });
  } finally {
    progress.hidden = true;
  }
  if (result) shown(result);
}

function shown(result) {
  by("transferred").hidden = false;
  const told = `The blur is about ${Math.round(result.length_px)} px long. With it the sharp photo is within ` +
    `${result.explained_db} dB of the blurry one; without it, within ${result.before_db} dB.`;
  const doubt = result.explained_db < result.before_db + 1 ? " So it explains little: are the two of one scene?" : "";
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
  for (const which of Object.keys(picked)) {
    const place = document.querySelector(`[data-pick=${which}]`);
    picked[which] = null;
    place.querySelector("img").hidden = true;
    place.querySelector("img").removeAttribute("src");
    place.querySelector("p").textContent = captions[which];
  }
  ready();
  by("transferred").hidden = true;
}

export function startTransfer() {
  for (const which of Object.keys(picked)) {
    captions[which] = document.querySelector(`[data-pick=${which}] p`).textContent;
    by(`pick-${which}`).addEventListener("change", (event) => {
      if (event.target.files.length) pick(which, event.target.files[0]);
      event.target.value = "";
    });
    droppable(document.querySelector(`[data-pick=${which}]`), ([file]) => pick(which, file));
  }
  by("transfer").addEventListener("click", () => careful(transfer));
}
