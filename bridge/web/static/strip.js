// Time and presence under the finger, the pointer, or the arrow keys on a strip.
import { at, clock, put, share } from "./clock.js";

const MINUTE_MS = 60_000, STEP = 15;
const NAMES = { available: "Available", away: "Away", busy: "Busy", call: "In a call", offline: "Offline", unknown: "Unknown" };

export function watchStrips() {
  for (const kind of ["pointermove", "pointerdown"])
    document.addEventListener(kind, ({ target, clientX }) => {
      const strip = target instanceof Element && target.closest(".strip svg[data-start]");
      if (!strip) return;
      const box = strip.getBoundingClientRect();
      point(strip, Math.min(1, Math.max(0, (clientX - box.left) / box.width)));
    }, { passive: true });
  document.addEventListener("keydown", (event) => {
    const strip = event.target.closest?.(".strip svg[data-start]");
    const step = { ArrowLeft: -STEP, ArrowDown: -STEP, ArrowRight: STEP, ArrowUp: STEP, Home: -Infinity, End: Infinity }[event.key];
    if (!strip || !step) return;
    event.preventDefault();
    const most = Number(strip.getAttribute("aria-valuemax"));
    point(strip, Math.min(most, Math.max(0, Number(strip.getAttribute("aria-valuenow")) + step)) / most);
  });
}

// With the script a strip can be moved on: a slider. Its pieces need no words of their own then.
export function equip(root) {
  for (const strip of root.querySelectorAll(".strip svg[data-start]")) {
    strip.querySelectorAll("title").forEach((title) => title.remove());
    const most = Math.round((Date.parse(strip.dataset.end) - Date.parse(strip.dataset.start)) / MINUTE_MS);
    const last = strip.querySelector("g:last-of-type rect");
    const attributes = { role: "slider", tabindex: 0, "aria-valuemin": 0, "aria-valuemax": most, "aria-valuenow": most };
    for (const [name, value] of Object.entries(attributes)) strip.setAttribute(name, value);
    strip.setAttribute("aria-valuetext", last ? NAMES[last.getAttribute("class")] : "");
  }
}

function point(strip, part) {
  const end = (rect) => share(rect, "x") + share(rect, "width");
  const rect = [...strip.querySelectorAll("g rect")].findLast((each) => share(each, "x") <= part && part <= end(each));
  const words = rect ? NAMES[rect.getAttribute("class")] : "Not yet";
  const span = rect ? ` (${clock(at(strip, share(rect, "x")))} to ${clock(at(strip, end(rect)))})` : "";
  const text = `${clock(at(strip, part))} ${words}${span}`;
  strip.setAttribute("aria-valuenow", Math.round(part * strip.getAttribute("aria-valuemax")));
  strip.setAttribute("aria-valuetext", text);
  put(strip.parentNode.querySelector(".at"), text);
}
