// Makes one element like another in place, so that focus, what was typed and what was opened stay.
const OURS = ["open", "tabindex"]; // what the reader or a script changed

export function morph(old, now) {
  if (old.nodeType !== now.nodeType || old.nodeName !== now.nodeName || (old.id || "") !== (now.id || "")) {
    old.replaceWith(now);
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== now.data) old.data = now.data;
    return;
  }
  if (old.dataset.load || "own" in old.dataset) return; // what is in it is not the bridge's news
  for (const { name } of [...old.attributes])
    if (!now.hasAttribute(name) && !OURS.includes(name)) old.removeAttribute(name);
  for (const { name, value } of [...now.attributes])
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  const next = [...now.childNodes];
  const here = new Map([...old.children].filter((child) => child.id).map((child) => [child.id, child]));
  next.forEach((child, place) => {
    const there = old.childNodes[place] ?? null, same = here.get(child.id);
    if (same && same !== there) move(old, same, there);
    if (same) morph(same, child);
    else if (!there || child.id || there.id) old.insertBefore(child, there);
    else morph(there, child);
  });
  [...old.childNodes].slice(next.length).forEach((child) => child.remove());
}

export function move(parent, child, before) {
  if (parent.moveBefore) parent.moveBefore(child, before); // keeps the focus
  else parent.insertBefore(child, before);
}

// Does `change`; when what had the focus is gone then, what was around it gets it.
export function keepingFocus(change) {
  const around = [];
  for (let e = document.activeElement; e && e !== document.body; e = e.parentElement) around.push(e);
  change();
  if (!around.length || around[0].isConnected) return;
  const left = around.map((e) => (e.isConnected ? e : e.id && document.getElementById(e.id))).find(Boolean);
  if (left) focus(left, { preventScroll: true });
}

export function focus(element, options) {
  if (element.tabIndex < 0) element.tabIndex = -1;
  element.focus(options);
}
