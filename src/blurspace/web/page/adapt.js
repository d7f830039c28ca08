// What did `blurspace adapt` say of a camera? Its page, in a sandbox in which nothing runs.

import * as api from "./api.js";
import { by, careful, droppable, say } from "./dom.js";

const show = (file) => careful(async () => {
  const told = await api.upload("reports", file);
  by("report").src = told.view;
  by("report").hidden = false;
  say("The report is shown");
});

/** Show nothing of what the server has forgotten. */
export function emptyAdapt() {
  by("report").hidden = true;
  by("report").removeAttribute("src");
}

export function startAdapt() {
  by("report-file").addEventListener("change", (event) => {
    if (event.target.files.length) show(event.target.files[0]);
    event.target.value = "";
  });
  droppable(by("report-drop"), ([file]) => show(file));
}
