// Sends the forms of the page without leaving it: what was typed, opened and found stays, and a press
// that nobody took can be repeated.
import { put } from "./clock.js";
import { focus } from "./morph.js";

const DEADLINE_MS = 35_000, COMES_MS = 10_000;
const said = document.getElementById("said");
const say = document.getElementById("say");
const sending = new WeakSet();
let awaited = null;

export function watchForms(main) {
  main.addEventListener("submit", (event) => {
    if (event.target.method !== "post") return;
    event.preventDefault();
    send(event.target, event.submitter ?? event.target.querySelector("button:not([type])"));
  });
  document.addEventListener("click", ({ target }) => target.closest("#said") && put(said, ""));
}

// What a form led to may come a moment later, with the news.
export function goOn() {
  const element = awaited && document.getElementById(awaited.id);
  if (awaited && Date.now() > awaited.until) awaited = null;
  if (!element) return;
  awaited = null;
  focus(element);
}

async function send(form, button) {
  if (sending.has(form)) return;
  sending.add(form);
  put(said, "");
  put(say, "Sent");
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      body: new URLSearchParams(new FormData(form)),
      headers: { Accept: "application/json" },
      signal: AbortSignal.timeout?.(DEADLINE_MS),
    });
    await take(answer, form, button);
  } catch {
    put(said, "The bridge does not answer: press once more when it is back.");
    if (button?.isConnected) button.focus();
  } finally {
    sending.delete(form);
  }
}

async function take(answer, form, button) {
  if (answer.status === 401) return location.reload();
  if (!answer.headers.get("Content-Type")?.startsWith("application/json")) {
    put(said, (await answer.text()).trim() || answer.statusText);
    return;
  }
  const { element, find, refusal, note } = await answer.json();
  put(said, refusal || note);
  if (refusal) return button?.focus();
  put(say, `${button?.textContent ?? "Form"}: done`);
  form.reset();
  form.closest("details")?.removeAttribute("open");
  if (find !== (document.querySelector("main").dataset.find ?? "")) {
    location.assign(`./?${new URLSearchParams(find ? { find } : {})}#${element}`);
    return;
  }
  if (document.getElementById(element)?.contains(form)) {
    if (button && !button.checkVisibility?.()) focus(document.getElementById(element), { preventScroll: true });
    return;
  }
  awaited = { id: element, until: Date.now() + COMES_MS };
  goOn();
}
