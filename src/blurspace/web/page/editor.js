// Which kernel does the visitor draw? A grid of cells, painted by pointer or by keys.

import { arrow, by, careful, limit, placeOn, say } from "./dom.js";

const LONGEST = 61; // px, of a straight line
const SIDE = 33; // cells, unless a wider one is taken over
let values = blank(SIDE);
let cursor = { row: SIDE >> 1, column: SIDE >> 1 };

function blank(side) {
  return Array.from({ length: side }, () => new Array(side).fill(0));
}

/** The drawing: rows of values, or null where it is empty. */
export const drawing = () => (values.some((row) => row.some((value) => value > 0)) ? values : null);

/** Take over the values of a kernel, in a frame with room to draw. */
export function take(given) {
  const side = Math.max(SIDE, given.length | 1);
  values = blank(side);
  const first = (side - given.length) >> 1;
  given.forEach((row, down) => row.forEach((value, across) => { values[first + down][first + across] = value; }));
  cursor = { row: side >> 1, column: side >> 1 };
  draw();
}

/** A straight line of light about the middle; the angle is counter-clockwise from the right. */
function line(length, angle) {
  const side = Math.max(SIDE, (Math.ceil(length) + 2) | 1);
  values = blank(side);
  const middle = side >> 1;
  const steps = 8 * Math.ceil(length);
  for (let step = 0; step <= steps; step += 1) {
    const far = (step / steps - 0.5) * (length - 1);
    const x = middle + far * Math.cos((angle * Math.PI) / 180);
    const y = middle - far * Math.sin((angle * Math.PI) / 180);
    for (const [row, column] of [[0, 0], [0, 1], [1, 0], [1, 1]].map(([down, across]) => [Math.floor(y) + down, Math.floor(x) + across])) {
      const weight = Math.max(0, 1 - Math.abs(y - row)) * Math.max(0, 1 - Math.abs(x - column));
      if (values[row]?.[column] !== undefined) values[row][column] += weight;
    }
  }
  const most = Math.max(...values.flat());
  values = values.map((row) => row.map((value) => value / most));
  draw();
}

function dab(row, column, rubbing) {
  for (let down = -1; down <= 1; down += 1) {
    for (let across = -1; across <= 1; across += 1) {
      const near = down === 0 && across === 0 ? 1 : 0.25;
      const line_ = values[row + down];
      if (line_?.[column + across] === undefined) continue;
      line_[column + across] = rubbing ? 0 : Math.max(line_[column + across], near);
    }
  }
  draw();
}

function draw() {
  const canvas = by("editor");
  const pen = canvas.getContext("2d");
  const cell = canvas.width / values.length;
  pen.fillStyle = "#000";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  values.forEach((row, down) => row.forEach((value, across) => {
    if (value <= 0) return;
    const light = Math.round(255 * Math.sqrt(Math.min(1, value)));
    pen.fillStyle = `rgb(${light}, ${light}, ${light})`;
    pen.fillRect(across * cell, down * cell, Math.ceil(cell), Math.ceil(cell));
  }));
  pen.strokeStyle = "#5fd0c4";
  pen.strokeRect(cursor.column * cell, cursor.row * cell, cell, cell);
  pen.fillStyle = "#5fd0c4";
  pen.fillRect(canvas.width / 2 - 1, canvas.height / 2 - 1, 2, 2); // the centre: no shift
}

export function startEditor() {
  const canvas = by("editor");
  const at = (event) => {
    const place = placeOn(canvas, event);
    const cell = (share) => Math.min(values.length - 1, Math.floor(share * values.length));
    return { row: cell(place.y), column: cell(place.x) };
  };
  const paint = (event) => { cursor = at(event); dab(cursor.row, cursor.column, by("rub").checked); };
  canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); paint(event); });
  canvas.addEventListener("pointermove", (event) => { if (event.buttons) paint(event); });
  canvas.addEventListener("keydown", (event) => {
    const move = arrow(event);
    const rub = event.key === "Backspace" || event.key === "Delete";
    if (!move && !rub && event.key !== " ") return;
    event.preventDefault();
    const most = values.length - 1;
    if (!move) {
      dab(cursor.row, cursor.column, rub);
      return void say(rub ? "rubbed out" : "painted");
    }
    cursor = { row: limit(cursor.row + move[1], 0, most), column: limit(cursor.column + move[0], 0, most) };
    draw();
    say(`column ${cursor.column + 1}, row ${cursor.row + 1} of ${values.length}`);
  });
  by("empty").addEventListener("click", () => { values = blank(SIDE); draw(); });
  by("draw-line").addEventListener("click", () => careful(() => {
    const length = Number(by("line-length").value);
    if (!(length >= 1 && length <= LONGEST)) throw new Error(`A line of that length cannot be drawn: give 1 to ${LONGEST} px.`);
    line(length, Number(by("line-angle").value) || 0);
  }));
  draw();
}
