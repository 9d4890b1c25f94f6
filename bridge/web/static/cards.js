// The order of the cards: it changes only while nobody is about to press something there.
import { keepingFocus, move } from "./morph.js";

const POINTING_MS = 5000, FOCUSED_MS = 60_000;
let wanted = [], touched = 0;

const list = () => document.querySelector("#people .cards");
const ids = (cards) => [...cards.children].map((card) => card.id);

export const order = () => wanted;

export function isTouched() {
  const inside = list()?.contains(document.activeElement);
  return Date.now() - touched < (inside ? FOCUSED_MS : POINTING_MS);
}

// `cards` as they are to be shown; while somebody is there, those that stay keep their places.
export function keepPlaces(cards) {
  wanted = ids(cards).filter(Boolean);
  if (!list() || !isTouched()) return;
  const places = new Map(ids(list()).map((id, place) => [id, place]));
  const place = (card) => places.get(card.id) ?? Infinity;
  cards.append(...[...cards.children].sort((one, other) => place(one) - place(other) || 0));
}

export function reorder(next) {
  wanted = next;
  arrange();
}

export function arrange() {
  const cards = list();
  if (!cards || isTouched() || String(ids(cards)) === String(wanted)) return;
  keepingFocus(() => wanted.forEach((id, place) => {
    const card = document.getElementById(id), there = cards.children[place] ?? null;
    if (card && card !== there) move(cards, card, there);
  }));
}

export function watchCards() {
  if (list()) wanted = ids(list()).filter(Boolean);
  for (const kind of ["pointermove", "pointerdown", "keydown", "focusin", "input"])
    document.addEventListener(kind, ({ target }) => {
      if (target instanceof Element && target.closest("#people .cards")) touched = Date.now();
    }, { passive: true });
}
