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

/** Where a pointer is on an element, as shares of its sides. */
export function placeOn(element, event) {
  const box = element.getBoundingClientRect();
  const within = (value) => Math.min(1, Math.max(0, value));
  return { x: within((event.clientX - box.left) / box.width), y: within((event.clientY - box.top) / box.height) };
}
