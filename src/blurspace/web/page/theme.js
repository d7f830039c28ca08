// Day or night? As the system has it, or as the visitor says.

import { by } from "./dom.js";

const NEXT = { auto: "light", light: "dark", dark: "auto" };
let now = localStorage.getItem("theme") in NEXT ? localStorage.getItem("theme") : "auto";

function show() {
  if (now === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = now;
  by("theme").textContent = `Theme: ${now}`;
}

export function startTheme() {
  show();
  by("theme").addEventListener("click", () => {
    now = NEXT[now];
    localStorage.setItem("theme", now);
    show();
  });
}
