// Which photos are in hand, and what becomes of each? The tray is the queue.

import * as api from "./api.js";
import { by, careful, make, say, trouble } from "./dom.js";

const AT_ONCE = 3; // uploads at a time: the others wait here, not in the server
export const photos = [];
let chosen = null;
let changed = () => {};
let batches = 0; // under way
let unfit = []; // why some of their files were not taken, a sentence each

export const current = () => chosen;

/** Call `then` whenever the chosen photo, or what is known of it, changes. */
export function onChange(then) {
  changed = then;
}

/** Add files: each is uploaded, and restored as soon as it is its turn. */
export async function addFiles(files) {
  if (!batches) unfit = [];
  batches += 1;
  trouble(unfit.join("\n"));
  const waiting = [...files];
  const next = async () => {
    for (let file = waiting.shift(); file; file = waiting.shift()) {
      try {
        adopt(await api.upload(`photos?name=${encodeURIComponent(file.name)}`, file), true);
      } catch (error) {
        unfit.push(error.message.includes(file.name) ? error.message : `${file.name}: ${error.message}`);
        trouble(unfit.join("\n")); // all of them: the next file must not wipe the last one's
      }
    }
  };
  say(files.length > 1 ? `${files.length} photos are added` : "The photo is added");
  await Promise.all(Array.from({ length: AT_ONCE }, next));
  batches -= 1;
}

export const addExample = (name) => careful(async () => adopt(await api.post(`examples/${name}`), true));

/** Take in what the server told of a photo. */
function adopt(told, begin) {
  const photo = {
    ...told, result: told.results.at(-1) ?? null, state: null, job: null, error: "", kernels: [],
    wish: { strength: 1, method: "auto", kernel: null, mask: null, force: false },
  };
  photos.push(photo);
  if (!chosen) choose(photo);
  if (begin) restore(photo);
  else if (told.job) attend(photo, (photo.turn = 1), () => told.job);
  list();
  return photo;
}

/** What was here before the page was loaded again. */
export async function recall() {
  for (const told of await api.get("photos")) {
    if (told.results.length || told.job?.kind === "deblur") adopt(told, false);
  }
  if (photos.length) choose(photos.at(-1));
}

export function choose(photo) {
  chosen = photo;
  list();
  changed();
}

/** Restore a photo as it is wished; what was under way for it is stopped. */
export async function restore(photo, wish = {}) {
  Object.assign(photo.wish, wish);
  await stop(photo);
  const turn = (photo.turn = (photo.turn ?? 0) + 1);
  return attend(photo, turn, () => api.post(`photos/${photo.id}/deblur`, photo.wish));
}

/** Follow what is done to a photo, and keep its result; unless it was asked for something else meanwhile. */
async function attend(photo, turn, asked) {
  photo.error = "";
  try {
    const job = await asked();
    if (turn !== photo.turn) return void api.remove(`jobs/${job.id}`);
    photo.job = job;
    await watched(photo, job, (result) => {
      if (turn !== photo.turn || !result) return;
      photo.result = result;
      if (photo === chosen) say(`${result.headline}. ${result.chance}`);
    });
  } catch (error) {
    if (turn === photo.turn) photo.error = error.message;
  }
  if (turn === photo.turn) photo.job = photo.state = null;
  update(photo);
}

/** Read the blur in a box; gives a kernel, or null where it was stopped. */
export async function readPlace(photo, box) {
  await stop(photo);
  const job = await api.post(`photos/${photo.id}/places`, box);
  photo.job = job;
  let found = null;
  try {
    await watched(photo, job, (result) => { found = result; });
  } finally {
    photo.job = photo.state = null;
    update(photo);
  }
  return found;
}

async function watched(photo, job, then) {
  photo.state = job;
  update(photo);
  then(await api.follow(job, (state) => {
    if (photo.job !== job) return;
    photo.state = state;
    update(photo);
  }));
}

export async function stop(photo) {
  if (photo.job) await api.remove(`jobs/${photo.job.id}`).catch(() => {});
}

export async function removePhoto(photo) {
  await careful(() => api.remove(`photos/${photo.id}`));
  const place = photos.indexOf(photo);
  photos.splice(place, 1);
  choose(photos[Math.min(place, photos.length - 1)] ?? null);
}

export async function forgetAll() {
  await careful(() => api.remove("visitor"));
  photos.splice(0);
  choose(null);
  say("Everything is forgotten");
}

function update(photo) {
  list();
  if (photo === chosen) changed();
}

/** What became of a photo, in a word. */
function word(photo) {
  if (photo.error) return "failed";
  if (photo.state?.state === "waiting") return "waiting";
  if (photo.state) return `${Math.round(100 * photo.state.share)} %`;
  return photo.result ? photo.result.verdict : "";
}

function list() {
  const items = photos.map((photo) => {
    if (!photo.item) {
      photo.label = make("span");
      photo.button = make(
        "button", { type: "button", onclick: () => choose(photo) },
        make("img", { src: photo.view, alt: "", loading: "lazy" }), make("span", {}, photo.name), photo.label,
      );
      photo.item = make("li", {}, photo.button);
    }
    if (photo.label.textContent !== word(photo)) photo.label.textContent = word(photo);
    photo.button.setAttribute("aria-current", String(photo === chosen));
    return photo.item;
  });
  const tray = by("tray");
  if (items.length !== tray.children.length || items.some((item, place) => item !== tray.children[place])) {
    tray.replaceChildren(...items);
  }
}
