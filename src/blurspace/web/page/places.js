// Where is the blur read? A box on the photo, moved by pointer or by keys.

import { arrow, by, limit, make, placeOn, reveal, say, sayPlace } from "./dom.js";

const STEP = 0.02;
const SMALLEST = 0.08;
let box = null;
let element = null;

/** The box as the server wants it; null where there is none. */
export const place = () => box && { left: box.x, top: box.y, right: box.x + box.w, bottom: box.y + box.h };

/** Show a box, or take it away. */
export function showBox(on) {
  reveal("boxes", on, "add-place");
  by("place-help").hidden = !on;
  reveal("place-row", on, "add-place");
  if (!on) return;
  box ??= { x: 0.3, y: 0.3, w: 0.4, h: 0.4 };
  element ??= built();
  draw();
  element.focus();
}

export const boxIsShown = () => !by("boxes").hidden;

function draw() {
  box.w = limit(box.w, SMALLEST, 1);
  box.h = limit(box.h, SMALLEST, 1);
  box.x = limit(box.x, 0, 1 - box.w);
  box.y = limit(box.y, 0, 1 - box.h);
  for (const [side, value] of [["left", box.x], ["top", box.y], ["width", box.w], ["height", box.h]]) {
    element.style[side] = `${100 * value}%`;
  }
}

function built() {
  const corner = make("i", { "aria-hidden": "true" });
  const made = make(
    "div", { class: "box", tabindex: 0, role: "application", "aria-label": "Box in which the blur is read", "aria-describedby": "place-help" },
    make("span", { "aria-hidden": "true" }, "read here"), corner,
  );
  by("boxes").append(made);
  made.addEventListener("keydown", byKey);
  by("boxes").addEventListener("pointerdown", (event) => {
    const start = placeOn(by("boxes"), event);
    const old = { ...box };
    const resizing = event.target === corner;
    const inside = made.contains(event.target);
    if (!inside) box = { x: start.x, y: start.y, w: 0, h: 0 };
    by("boxes").setPointerCapture(event.pointerId);
    const move = (moved) => {
      const now = placeOn(by("boxes"), moved);
      const by_x = now.x - start.x;
      const by_y = now.y - start.y;
      if (resizing) Object.assign(box, { w: old.w + by_x, h: old.h + by_y });
      else if (inside) Object.assign(box, { x: old.x + by_x, y: old.y + by_y });
      else box = { x: Math.min(now.x, start.x), y: Math.min(now.y, start.y), w: Math.abs(by_x), h: Math.abs(by_y) };
      draw();
    };
    const end = () => by("boxes").removeEventListener("pointermove", move);
    by("boxes").addEventListener("pointermove", move);
    by("boxes").addEventListener("pointerup", end, { once: true });
    by("boxes").addEventListener("pointercancel", end, { once: true });
  });
  return made;
}

function byKey(event) {
  const move = arrow(event);
  const read = event.key === "Enter" || event.key === " ";
  if (event.key === "Delete") showBox(false);
  if (!move && !read) return;
  event.preventDefault();
  if (read) return void by("read-place").click();
  const [x, y] = event.shiftKey ? ["w", "h"] : ["x", "y"];
  box[x] += STEP * move[0];
  box[y] += STEP * move[1];
  draw();
  if (event.shiftKey) say(`${Math.round(100 * box.w)} % wide, ${Math.round(100 * box.h)} % high`);
  else sayPlace(box.x, box.y);
}
