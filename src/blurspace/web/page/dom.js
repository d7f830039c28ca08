// How are things on the page found, made, and told to those who do not see it?

export const by = (id) => document.getElementById(id);

/** An element with attributes and children; `on...` attributes are listeners. */
export function make(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value != null) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

/** Say a sentence to screen readers. */
export function say(sentence) {
  by("live").textContent = sentence;
}

/** Show or hide an element; where the keyboard was within what is hidden, it goes on elsewhere. */
export function reveal(id, on, elsewhere) {
  const lost = !on && by(id).contains(document.activeElement);
  by(id).hidden = !on;
  if (lost) by(elsewhere).focus({ preventScroll: true });
}

/** Show what went wrong, in a sentence; an empty one hides it. Only what is new is put in, so that it alone is read out. */
export function trouble(sentence = "") {
  const place = by("trouble");
  const old = place.textContent;
  place.parentElement.hidden = !sentence;
  if (old && sentence.startsWith(old)) place.append(sentence.slice(old.length));
  else place.textContent = sentence;
}

/** Do something that may fail, and show why it did. */
export async function careful(work) {
  try {
    trouble();
    return await work();
  } catch (error) {
    trouble(error.message);
    return undefined;
  }
}

/** Let files be dropped on an element. */
export function droppable(place, taken) {
  let inside = 0;
  const mark = (on) => place.classList.toggle("over", on);
  place.addEventListener("dragenter", (event) => { event.preventDefault(); inside += 1; mark(true); });
  place.addEventListener("dragover", (event) => event.preventDefault());
  place.addEventListener("dragleave", () => { inside -= 1; if (inside <= 0) mark(false); });
  place.addEventListener("drop", (event) => {
    event.preventDefault();
    event.stopPropagation();
    inside = 0;
    mark(false);
    if (event.dataTransfer.files.length) taken([...event.dataTransfer.files]);
  });
}

/** Call later, and only once, however often it is asked meanwhile. */
export function settled(work, wait = 250) {
  let timer;
  return (...given) => { clearTimeout(timer); timer = setTimeout(() => work(...given), wait); };
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Where an arrow key leads, as a step across and down; undefined for other keys. */
export const arrow = (event) => ARROWS[event.key];

/** Say where something was moved, as shares of the photo's sides. */
export const sayPlace = (x, y) => say(`${Math.round(100 * x)} % across, ${Math.round(100 * y)} % down`);

export const limit = (value, least, most) => Math.min(most, Math.max(least, value));

/** Where a pointer is on an element, as shares of its sides. */
export function placeOn(element, event) {
  const box = element.getBoundingClientRect();
  return { x: limit((event.clientX - box.left) / box.width, 0, 1), y: limit((event.clientY - box.top) / box.height, 0, 1) };
}
