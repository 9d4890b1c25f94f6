// Keeps the page true: news from the bridge, times that pass, copying. Without it the page still works.
import { arrange, keepPlaces, order, reorder, watchCards } from "./cards.js";
import { clock, localise, now, put, setNow, tick } from "./clock.js";
import { goOn, watchForms } from "./forms.js";
import { keepingFocus, morph } from "./morph.js";
import { listen } from "./stream.js";
import { equip, watchStrips } from "./strip.js";
import { showTab } from "./tab.js";

const live = document.getElementById("live");
const say = document.getElementById("say");
const main = document.querySelector("main");
const versions = (text) => text.split(" ").map((part) => part.split(":"));
const have = new Map(main.dataset.have ? versions(main.dataset.have) : []);
let isLive = true;

function show({ id, html, have: came }) {
  const box = document.createElement("template");
  box.innerHTML = html;
  const old = document.getElementById(id), next = box.content.firstElementChild;
  if (!old || !next) return;
  if (id === "people") [...have.keys()].filter((name) => name.startsWith("person-")).forEach((name) => have.delete(name));
  for (const [name, version] of versions(came)) have.set(name, version);
  const before = new Map([...old.querySelectorAll("[data-say]")].map((e) => [e.dataset.say, e.textContent]));
  const news = [...next.querySelectorAll("[data-say]")]
    .filter((e) => before.has(e.dataset.say) && before.get(e.dataset.say) !== e.textContent)
    .map((e) => `${e.dataset.say}: ${e.textContent}`);
  localise(box.content);
  tick(box.content);
  equip(box.content);
  const cards = next.querySelector(".cards");
  if (id === "people" && cards) keepPlaces(cards);
  keepingFocus(() => morph(old, next));
  if (news.length) put(say, news.join(". "));
  goOn();
  showTab(isLive);
}

function showState(on, since) {
  isLive = on;
  live.className = on ? "fine on" : "off";
  document.body.classList.toggle("stale", !on);
  put(live, on ? "Live" : `No news since ${clock(since + now() - Date.now())}: reconnecting`);
  showTab(on);
}

// What the page has, so that only what differs comes; the cards in the order in which they are to be.
function address() {
  const names = [...order(), ...[...have.keys()].filter((name) => !name.startsWith("person-"))];
  const query = new URLSearchParams({ have: names.map((name) => `${name}:${have.get(name)}`).join(" ") });
  if (main.dataset.find) query.set("find", main.dataset.find);
  return `events?${query}`;
}

async function copy(button) {
  const from = document.getElementById(button.dataset.copy);
  const text = from.textContent, label = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    getSelection().selectAllChildren(from); // plain http: browsers offer only the old way
    document.execCommand("copy");
  }
  button.textContent = "Copied";
  if (say) say.textContent = "Copied";
  setTimeout(() => { button.textContent = label; }, 2000);
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-copy]");
  if (button) copy(button);
});
document.addEventListener("toggle", async ({ target }) => {
  const box = target.open && target.querySelector("[data-load]");
  if (box) put(box, await fetch(box.dataset.load).then((answer) => answer.text(), String));
}, true);

// After the set-up: the bridge starts at the same address, and only it knows the one that is awaited.
function goOnWhenReady() {
  const later = () => setTimeout(goOnWhenReady, 500);
  const look = ({ status }) => (status === 200 || status === 401 ? location.replace("./") : later());
  fetch(main.dataset.await).then(look, later); // a proxy has errors of its own until then
}

// The reader lives where the lamps are, as a rule; a browser that hides where that is says UTC.
const zone = document.querySelector("[data-zone]"), here = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && !zone.value && here && here !== "UTC") zone.value = here;

setNow(document.querySelector("time.now")?.dateTime);
localise(document);
tick(document);
equip(document);
watchStrips();
setInterval(() => {
  const old = tick(document);
  if (old.length) put(say, `${old.join(", ")}: too old to show`);
  arrange();
  if (live) showTab(isLive);
}, 1000);
if (live) {
  watchCards();
  watchForms(main);
  showTab(true);
  listen(address, {
    hello({ release, now: time }) {
      if (release !== main.dataset.release) location.reload();
      setNow(time);
    },
    beat: ({ now: time }) => setNow(time),
    part: show,
    order: ({ ids }) => reorder(ids),
  }, showState);
}
if (main.dataset.await) setTimeout(goOnWhenReady, 1000);
