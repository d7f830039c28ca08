// Where is a photo to be restored? Painted upon it, by pointer or by keys.

import { arrow, by, limit, placeOn, reveal, say, sayPlace } from "./dom.js";

const LARGEST = 1400; // px, of the mask's longer side: the server makes it as large as the photo
const canvas = () => by("paint");
let cursor = { x: 0.5, y: 0.5 };
let mask = null; // what was painted, white; the canvas shows it with the brush

/** Show what was painted on a photo, or take it away. */
export function showBrush(photo, on) {
  if (on) canvas().hidden = false;
  reveal("brush-again", !on && document.querySelector("[name=where][value=paint]").checked, "paint");
  reveal("brush", on, "brush-again");
  reveal("paint", on, "brush-again");
  if (!on) return;
  if (photo.mask === undefined) {
    const share = Math.min(1, LARGEST / Math.max(photo.width, photo.height));
    photo.mask = document.createElement("canvas");
    photo.mask.width = Math.max(1, Math.round(photo.width * share));
    photo.mask.height = Math.max(1, Math.round(photo.height * share));
  }
  mask = photo.mask;
  canvas().width = mask.width;
  canvas().height = mask.height;
  draw();
}

/** What was painted, white on black, as a PNG; null where nothing was. */
export function painted() {
  const whole = document.createElement("canvas");
  whole.width = mask.width;
  whole.height = mask.height;
  const pen = whole.getContext("2d");
  pen.fillStyle = "#000";
  pen.fillRect(0, 0, whole.width, whole.height);
  pen.drawImage(mask, 0, 0);
  const any = pen.getImageData(0, 0, whole.width, whole.height).data.some((value, place) => place % 4 === 0 && value > 0);
  return any ? new Promise((done) => whole.toBlob(done, "image/png")) : null;
}

const radius = () => (Number(by("brush-size").value) / 200) * Math.max(mask.width, mask.height);

function stroke(from, to) {
  const pen = mask.getContext("2d");
  pen.globalCompositeOperation = by("brush-rub").checked ? "destination-out" : "source-over";
  pen.strokeStyle = "#fff";
  pen.lineCap = "round";
  pen.lineWidth = 2 * radius();
  pen.beginPath();
  pen.moveTo(from.x * mask.width, from.y * mask.height);
  pen.lineTo(to.x * mask.width + 0.01, to.y * mask.height);
  pen.stroke();
  draw();
}

function draw() {
  const pen = canvas().getContext("2d");
  pen.clearRect(0, 0, mask.width, mask.height);
  pen.drawImage(mask, 0, 0);
  pen.globalCompositeOperation = "source-in";
  pen.fillStyle = "#ffb000";
  pen.fillRect(0, 0, mask.width, mask.height);
  pen.globalCompositeOperation = "source-over";
  pen.lineWidth = Math.max(2, mask.width / 300);
  pen.strokeStyle = "#000";
  pen.beginPath();
  pen.arc(cursor.x * mask.width, cursor.y * mask.height, radius(), 0, 7);
  pen.stroke();
}

export function startBrush() {
  const place = canvas();
  by("brush-size").addEventListener("input", () => { by("brush-told").textContent = `${by("brush-size").value} %`; draw(); });
  by("brush-clear").addEventListener("click", () => { mask.getContext("2d").clearRect(0, 0, mask.width, mask.height); draw(); });
  let last = null;
  place.addEventListener("pointerdown", (event) => {
    place.setPointerCapture(event.pointerId);
    last = cursor = placeOn(place, event);
    stroke(last, last);
  });
  place.addEventListener("pointermove", (event) => {
    cursor = placeOn(place, event);
    if (last) { stroke(last, cursor); last = cursor; } else draw();
  });
  for (const end of ["pointerup", "pointercancel"]) place.addEventListener(end, () => { last = null; });
  place.addEventListener("keydown", (event) => {
    const move = arrow(event);
    if (!move && event.key !== " ") return;
    event.preventDefault();
    if (!move) {
      stroke(cursor, cursor);
      return void say(by("brush-rub").checked ? "rubbed out" : "painted");
    }
    cursor = { x: limit(cursor.x + 0.02 * move[0], 0, 1), y: limit(cursor.y + 0.02 * move[1], 0, 1) };
    draw();
    sayPlace(cursor.x, cursor.y);
  });
}
