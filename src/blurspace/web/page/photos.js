// Which photos are in hand, and what becomes of each? The tray is the queue.

import * as api from "./api.js";
import { by, careful, make, say, trouble } from "./dom.js";

const ASKED = { state: "waiting", stage: "waiting", share: 0, before: 0 }; // until the server answers
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
        adopt(await api.upload(`photos?name=${encodeURIComponent(file.name)}`, file), () => addFiles([file]));
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

export const addExample = (name) => careful(async () => adopt(await api.post(`examples/${name}`), () => addExample(name)));

const PLAIN = { strength: 1, method: "auto", kernel: null, mask: null, force: false };

const withPicture = (kernel) => ({ ...kernel, picture: kernel.files.picture });

/** Take in what the server told of a photo; `again` adds a new one anew, should the server forget it. */
function adopt(told, again = null) {
  const photo = {
    ...told, result: told.results.at(-1) ?? null, state: again && ASKED, job: null, error: "", turn: 0, again,
    kernels: told.kernels.map(withPicture), wish: { ...PLAIN }, planned: null,
  };
  for (const result of told.results) found(photo, result);
  if (photo.result) photo.wish = { ...photo.result.asked };
  if (told.job?.asked) photo.wish = { ...PLAIN, ...told.job.asked };
  photos.push(photo);
  if (!chosen) choose(photo);
  if (again) restore(photo);
  else if (told.job?.kind === "deblur") attend(photo, (photo.turn += 1), () => told.job);
  else if (told.job?.kind === "place") usePlace(photo, () => told.job);
  list();
  return photo;
}

/** Take in what was here before the page was loaded again: what the server told of each photo. */
export function recall(all) {
  for (const told of all) {
    if (told.asked) adopt(told); // the others are of the tab Transfer
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
  return instead(photo, wish, () => api.post(`photos/${photo.id}/deblur`, photo.wish));
}

/** Ask for something else than what is under way for a photo, or is planned, which goes into the wish. */
async function instead(photo, wish, asked, ...kept) {
  Object.assign(photo.wish, photo.planned?.wish, wish);
  unplan(photo);
  const turn = (photo.turn += 1);
  await stop(photo);
  return turn === photo.turn ? attend(photo, turn, asked, ...kept) : undefined;
}

/** Restore a photo as it is wished once the visitor has settled: no other wish came for so many milliseconds. */
export function restoreSoon(photo, wish, wait = 150) {
  const all = { ...photo.planned?.wish, ...wish };
  unplan(photo);
  photo.planned = { wish: all, timer: setTimeout(() => restore(photo), wait) };
}

/** Drop what `restoreSoon` was to do. */
export function unplan(photo) {
  clearTimeout(photo.planned?.timer);
  photo.planned = null;
}

/** Follow what is done to a photo, and keep what comes of it; unless it was asked for something else meanwhile. */
async function attend(photo, turn, asked, keep = keepResult, failed = fail) {
  photo.error = "";
  photo.gone = false;
  photo.job = null; // the last one is stopped
  let made = null;
  try {
    const job = await asked();
    if (turn !== photo.turn) return void api.cancel(job);
    photo.job = photo.state = job;
    update(photo);
    made = await api.follow(job, (state) => {
      if (turn !== photo.turn) return;
      photo.state = state;
      update(photo);
    });
  } catch (error) {
    if (turn === photo.turn) failed(photo, error);
  }
  if (turn !== photo.turn) return;
  photo.job = photo.state = null;
  if (made) keep(photo, made);
  else if (!photo.error) wishWhatIsShown(photo);
  update(photo);
}

function keepResult(photo, result) {
  photo.result = result;
  found(photo, result);
  wishWhatIsShown(photo);
  if (photo === chosen) say(`${result.headline}. ${result.chance}`);
}

/** After something ended, the wish is again that of the result, unless another came; a new object only where it differs. */
function wishWhatIsShown(photo) {
  const asked = photo.planned ? null : photo.result?.asked;
  if (asked && Object.keys(asked).some((key) => asked[key] !== photo.wish[key])) photo.wish = { ...asked };
}

function fail(photo, error) {
  photo.error = error.message;
  photo.gone = lost(error);
  if (error.status === 404) photo.wish = { ...photo.wish, kernel: null, mask: null }; // of no use any more
  say(`${photo.name}: ${error.message}`);
}

/** Whether the server has forgotten the photo, or all; not only a kernel or a mask of it. */
const lost = (error) => Boolean(error.gone) || (error.status === 404 && /photo|browser|job/.test(error.message));

/** Note the blur that was found in the whole photo, where a result is of that. */
function found(photo, result) {
  if (!result.asked.kernel && result.files.kernel) photo.found = { picture: result.files.kernel, ...result.kernel };
}

/** Restore a photo again that was stopped or failed; one that the server forgot is added anew, or asked for again. */
export async function beginAgain(photo) {
  if (!photo.gone) return restore(photo);
  if (!photo.again) return void location.reload();
  const before = photos.length;
  photo.gone = false;
  photo.state = ASKED; // the button is hidden: one click, one photo
  update(photo);
  await photo.again();
  photo.state = null;
  photo.gone = photos.length === before; // it could not be added
  if (photo.gone) return update(photo);
  takeOut(photo);
  choose(photos.at(-1));
}

/** Keep a kernel that the server told of, and use it. */
export function useKernel(photo, told, force) {
  photo.kernels.push(withPicture(told));
  return restore(photo, { kernel: told.id, force });
}

/** Read the blur in a box, and use it. */
export const readPlace = (photo, box) => usePlace(photo, () => api.post(`photos/${photo.id}/places`, box));

function usePlace(photo, asked) {
  const use = (_, kernel) => useKernel(photo, kernel, false);
  return instead(photo, {}, asked, use, (_, error) => { // its result is still good
    if (lost(error)) fail(photo, error);
    else trouble(error.message);
  });
}

async function stop(photo) {
  if (photo.job) await api.cancel(photo.job);
}

/** Stop what is done to a photo, and what was to be done next. */
export async function cancel(photo) {
  unplan(photo);
  if (photo.job) return stop(photo);
  photo.turn += 1; // what is being asked for is stopped when the server answers
  photo.state = null;
  wishWhatIsShown(photo);
  return update(photo);
}

/** Take in what became of the photos elsewhere: in another tab, or at the server. */
export async function renew() {
  const quiet = photos.filter((photo) => !photo.state && !photo.gone).map((photo) => [photo, photo.turn]);
  if (!quiet.length) return;
  const all = await api.get("photos");
  for (const [photo, turn] of quiet) {
    if (turn !== photo.turn || photo.planned) continue; // this tab knows better
    const told = all.find((one) => one.id === photo.id);
    if (!told) fail(photo, { message: "The server was started again, or has forgotten this photo.", gone: true });
    else if (told.results.length && told.results.at(-1).id !== photo.result?.id) {
      photo.kernels = told.kernels.map(withPicture);
      photo.error = "";
      keepResult(photo, told.results.at(-1));
    }
    update(photo);
  }
}

/** Remove a photo, once the server has. */
export const removePhoto = (photo) => careful(async () => {
  await api.remove(`photos/${photo.id}`);
  takeOut(photo);
});

function takeOut(photo) {
  const place = photos.indexOf(photo);
  if (place < 0) return; // it was removed twice
  abandon(photo);
  photos.splice(place, 1);
  choose(photo === chosen ? photos[Math.min(place, photos.length - 1)] ?? null : chosen);
}

/** Heed no more what becomes of a photo. */
function abandon(photo) {
  unplan(photo);
  photo.turn += 1;
  if (photo.job) api.letGo(photo.job);
}

/** Forget all photos, once the server has. */
export async function forgetAll() {
  await api.remove("visitor");
  photos.forEach(abandon);
  api.letGo(); // the rest: of Transfer
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
