// What is said of a result: the verdict, the chance that it is better, the numbers?

import { by, make, reveal } from "./dom.js";

/** Show what is known of a photo: its receipt, or why there is none yet. */
export function showReceipt(photo) {
  const { result, error, state } = photo;
  const told = result ?? {};
  const box = by("receipt");
  box.classList.toggle("refused", Boolean(error) || told.verdict === "refused");
  write("headline", error ? "It did not work" : told.headline ?? (state ? "Working" : "Stopped"));
  write("chance", error ? "" : told.chance);
  write("reason", error || told.reason || (state ? "Looking for the blur." : "Nothing was done."));
  write("advice", error ? "" : told.advice);
  reveal("again", !state && (!result || Boolean(error)), "headline");
  const download = by("download");
  reveal("save", Boolean(told.files?.file) && !error, "headline");
  if (told.files?.file) {
    download.href = told.files.file;
    download.setAttribute("download", told.name);
    by("saved-as").textContent = `${told.name}, with its EXIF and colour profile.`;
    by("old").hidden = !state;
  }
  by("facts").replaceChildren(...(told.facts ?? []).flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
  by("notes").replaceChildren(...(told.notes ?? []).map((note) => make("li", {}, note)));
}

function write(id, text) {
  const place = by(id);
  if (place.textContent !== (text ?? "")) place.textContent = text ?? "";
  place.hidden = !text;
}
