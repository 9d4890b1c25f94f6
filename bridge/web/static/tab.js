// The tab's title and icon: what the busiest person shown is, in the colour of that.
const KINDS = ["call", "busy", "away", "available", "offline"];

export function showTab(isLive) {
  const cards = [...document.querySelectorAll(".person:not(.old)")];
  const kind = isLive && KINDS.find((each) => cards.some((card) => card.classList.contains(each)));
  const those = cards.filter((card) => card.classList.contains(kind));
  document.title = `${title(those, cards)}Presence`;
  const color = getComputedStyle(those[0] ?? document.documentElement);
  icon(color.getPropertyValue(those[0] ? "--kind" : "--unknown").trim());
}

function title(those, cards) {
  if (!those.length || (cards.length > 1 && !["call", "busy"].includes(those[0].classList[2]))) return "";
  const state = those[0].querySelector(".state").textContent;
  if (those.length > 1) return `${those.length} busy - `;
  return cards.length > 1 ? `${those[0].querySelector("h3").textContent}: ${state} - ` : `${state} - `;
}

function icon(color) {
  const link = document.querySelector("link[rel=icon]");
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><circle cx="12" cy="12" r="11" fill="${color}"/></svg>`;
  const address = `data:image/svg+xml,${encodeURIComponent(svg)}`;
  if (link && link.getAttribute("href") !== address) link.href = address;
}
