// Keeps the page true: news from the bridge, times that pass, copying. Without it the page still works.
"use strict";
(() => {
  const live = document.getElementById("live");
  const say = document.getElementById("say");
  const main = document.querySelector("main");

  // Makes `old` like `now` in place, so that focus, what was typed and what was opened stay.
  function morph(old, now) {
    if (old.nodeType !== now.nodeType || old.nodeName !== now.nodeName || (old.id || "") !== (now.id || "")) {
      old.replaceWith(now);
      return;
    }
    if (old.dataset?.load) return; // what was loaded into it is not the bridge's news
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.data !== now.data) old.data = now.data;
      return;
    }
    for (const { name } of [...old.attributes])
      if (!now.hasAttribute(name) && name !== "open") old.removeAttribute(name);
    for (const { name, value } of [...now.attributes])
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    const next = [...now.childNodes];
    const known = new Map([...old.children].filter((child) => child.id).map((child) => [child.id, child]));
    next.forEach((child, place) => {
      const there = old.childNodes[place] ?? null, same = known.get(child.id);
      if (same && same !== there) move(old, same, there);
      if (same) morph(same, child);
      else if (!there || child.id || there.id) old.insertBefore(child, there);
      else morph(there, child);
    });
    [...old.childNodes].slice(next.length).forEach((child) => child.remove());
  }

  function move(parent, child, before) {
    if (parent.moveBefore) parent.moveBefore(child, before); // keeps the focus
    else parent.insertBefore(child, before);
  }

  function show({ id, html }) {
    const box = document.createElement("template");
    box.innerHTML = html;
    const old = document.getElementById(id), now = box.content.firstElementChild;
    if (!old || !now) return;
    const before = new Map([...old.querySelectorAll("[data-say]")].map((e) => [e.dataset.say, e.textContent]));
    const news = [...now.querySelectorAll("[data-say]")]
      .filter((e) => before.has(e.dataset.say) && before.get(e.dataset.say) !== e.textContent)
      .map((e) => `${e.dataset.say}: ${e.textContent}`);
    morph(old, now);
    if (news.length) say.textContent = news.join(". ");
    tick();
  }

  function words(seconds) {
    const minutes = Math.floor(seconds / 60), hours = Math.floor(minutes / 60);
    if (seconds < 60) return `${Math.floor(seconds)} s`;
    if (hours < 1) return `${minutes} min`;
    return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
  }

  function put(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  // The bridge's clock, not the reader's: `skew` is what lies between them.
  let skew = 0;
  function tick() {
    const now = Date.now() + skew;
    for (const e of document.querySelectorAll("[data-ago]"))
      put(e, ` (${words(Math.max(0, (now - Date.parse(e.dataset.ago)) / 1000))})`);
    for (const e of document.querySelectorAll("[data-left]")) {
      const left = (Date.parse(e.dataset.left) - now) / 1000;
      if (!e.dataset.text) e.dataset.text = e.textContent;
      put(e, left > 0 ? `${e.dataset.text} (${words(left)} left)` : `${e.dataset.text} (over)`);
    }
  }

  function tell(state, text) {
    live.className = `fine ${state}`;
    put(live, text);
  }

  let wait = 1000;
  function listen() {
    const find = main.dataset.find ? `?find=${encodeURIComponent(main.dataset.find)}` : "";
    const source = new EventSource(`events${find}`);
    source.addEventListener("hello", ({ data }) => {
      const hello = JSON.parse(data);
      if (hello.release !== main.dataset.release) location.reload();
      skew = Date.parse(hello.now) - Date.now();
      wait = 1000;
      tell("on", "Live");
    });
    source.addEventListener("part", ({ data }) => show(JSON.parse(data)));
    source.onerror = () => {
      source.close(); // a browser gives up after a refusal; we do not
      tell("off", "The bridge does not answer; trying again");
      fetch("./", { method: "HEAD" }).then(({ status }) => status === 401 && location.reload(), () => {});
      setTimeout(listen, wait * (0.5 + Math.random()));
      wait = Math.min(wait * 2, 30000);
    };
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
    say.textContent = "Copied";
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
  function goOn() {
    const later = () => setTimeout(goOn, 500);
    const look = ({ status }) => (status === 200 || status === 401 ? location.replace("./") : later());
    fetch(main.dataset.await).then(look, later); // a proxy has errors of its own until then
  }

  // The reader lives where the lamps are, as a rule; a browser that hides where that is says UTC.
  const zone = document.querySelector("[data-zone]"), here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && !zone.value && here && here !== "UTC") zone.value = here;

  tick();
  setInterval(tick, 1000);
  if (live && window.EventSource) listen();
  if (main.dataset.await) setTimeout(goOn, 1000);
})();
