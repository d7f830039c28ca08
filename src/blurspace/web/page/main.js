// How does the page begin?

import { emptyAdapt, startAdapt } from "./adapt.js";
import { get } from "./api.js";
import { startDeblur } from "./deblur.js";
import { by, careful, reveal, trouble } from "./dom.js";
import { forgetAll, recall } from "./photos.js";
import { startTabs } from "./tabs.js";
import { startTheme } from "./theme.js";
import { emptyTransfer, recallPicks, startTransfer } from "./transfer.js";

startTheme();
startTabs();
by("trouble-close").addEventListener("click", () => {
  reveal("trouble-box", false, "main");
  trouble();
});
for (const dropped of ["dragover", "drop"]) window.addEventListener(dropped, (event) => event.preventDefault());
careful(async () => {
  const about = await get("about");
  by("version").textContent = `blurspace ${about.version}`;
  startDeblur(about);
  startTransfer();
  startAdapt();
  by("forget").addEventListener("click", () => careful(async () => {
    await forgetAll();
    emptyTransfer();
    emptyAdapt();
  }));
  const photos = await get("photos");
  recall(photos);
  recallPicks(photos);
  document.documentElement.dataset.ready = "yes";
});
