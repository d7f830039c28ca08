// Which tab is open? By mouse, by arrow keys, by the address.

import { by, trouble } from "./dom.js";

const tabs = [...document.querySelectorAll("[role=tab]")];

function open(tab, focus = false) {
  trouble(); // it was of another tab
  for (const one of tabs) {
    const chosen = one === tab;
    one.setAttribute("aria-selected", String(chosen));
    one.tabIndex = chosen ? 0 : -1;
    by(one.getAttribute("aria-controls")).hidden = !chosen;
  }
  if (focus) tab.focus();
  history.replaceState(null, "", `#${tab.id.slice(4)}`);
}

export function startTabs() {
  for (const [place, tab] of tabs.entries()) {
    tab.addEventListener("click", () => open(tab));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step) open(tabs[(place + step + tabs.length) % tabs.length], true);
      else if (event.key === "Home") open(tabs[0], true);
      else if (event.key === "End") open(tabs.at(-1), true);
    });
  }
  const asked = by(`tab-${location.hash.slice(1)}`);
  if (tabs.includes(asked)) open(asked);
}
