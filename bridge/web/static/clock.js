// Times in the reader's zone, and those that pass by the second. The bridge's clock counts: `skew` is
// what lies between it and the reader's.
let skew = 0;

export const now = () => Date.now() + skew;
export const setNow = (iso) => { if (iso) skew = Date.parse(iso) - Date.now(); };

export function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const said = (ms, options) => new Date(ms).toLocaleString("en-GB", options);
const hour = (ms) => said(ms, { hour: "2-digit", minute: "2-digit", hour12: false });

// 10:32 today, Mon 10:32 within a week, else with the date: as the bridge writes it without a script.
export function clock(ms) {
  const midnight = (at) => new Date(at).setHours(0, 0, 0, 0);
  const days = Math.abs(Math.round((midnight(now()) - midnight(ms)) / 86_400_000));
  if (!days) return hour(ms);
  const day = days < 7 ? { weekday: "short" } : { day: "numeric", month: "short" };
  return `${said(ms, day)} ${hour(ms)}`;
}

// Where a piece or a label of a strip is, as a share of it; and when that is, to the minute.
export const share = (element, name) => parseFloat(element.getAttribute(name)) / 100;
export function at({ dataset: { start, end } }, part) {
  const ms = Date.parse(start) + part * (Date.parse(end) - Date.parse(start));
  return Math.round(ms / 60_000) * 60_000;
}

function length(seconds) {
  const minutes = Math.floor(seconds / 60), hours = Math.floor(minutes / 60);
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (hours < 1) return `${minutes} min`;
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}

export function localise(root) {
  for (const e of root.querySelectorAll(".zone")) e.remove();
  for (const e of root.querySelectorAll("time[datetime]")) put(e, clock(Date.parse(e.dateTime)));
  for (const e of root.querySelectorAll("svg[data-start] text")) put(e, hour(at(e.closest("svg"), share(e, "x"))));
}

// Returns the names of those whose presence has just become too old to show.
export function tick(root) {
  for (const e of root.querySelectorAll("[data-ago]"))
    put(e, ` (${length(Math.max(0, (now() - Date.parse(e.previousElementSibling.dateTime)) / 1000))})`);
  for (const e of root.querySelectorAll("[data-left]")) {
    const end = Date.parse(e.dataset.left), left = (end - now()) / 1000;
    put(e, `${clock(end)} ${left > 0 ? `(${length(left)} left)` : "(over)"}`);
  }
  const over = [...root.querySelectorAll("[data-valid-until]")].filter((e) => {
    const before = e.classList.contains("old");
    return e.classList.toggle("old", now() >= Date.parse(e.dataset.validUntil)) && !before;
  });
  return over.map((e) => e.querySelector("h3").textContent);
}
