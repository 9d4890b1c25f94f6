// The line to the bridge. Whatever comes is a sign of life, a beat where nothing else is to be said;
// silence, a machine that slept or a lost line makes it try anew.
const SILENCE_MS = 40_000, ANSWER_MS = 10_000, BEAT_MS = 20_000, JUMP_MS = 10_000, LONGEST_MS = 30_000;

let address, takes, shown; // what the page gives
let source, retry, wait = 1000;
let heard = Date.now(), tried = 0, looked = Date.now(), on = true;

// `where` gives the address, `kinds` what is done with each kind of event, `state` shows whether news
// come, and since when none do.
export function listen(where, kinds, state) {
  [address, takes, shown] = [where, kinds, state];
  connect();
  setInterval(look, 1000);
  addEventListener("online", connect);
  addEventListener("pageshow", ({ persisted }) => persisted && connect());
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && (!on || Date.now() - heard > BEAT_MS)) connect();
  });
}

function connect() {
  clearTimeout(retry);
  source?.close();
  tried = Date.now();
  const mine = (source = new EventSource(address()));
  mine.onerror = () => mine === source && lose();
  for (const [kind, take] of Object.entries(takes))
    mine.addEventListener(kind, ({ data }) => {
      if (mine !== source) return;
      heard = Date.now();
      wait = 1000;
      if (kind === "hello") shown((on = true));
      take(JSON.parse(data));
    });
}

function lose() {
  clearTimeout(retry);
  source?.close(); // a browser gives up after a refusal; we do not
  source = null;
  shown((on = false), heard);
  fetch("./", { method: "HEAD" }).then(({ status }) => status === 401 && location.reload(), () => {});
  retry = setTimeout(connect, wait * (0.5 + Math.random()));
  wait = Math.min(wait * 2, LONGEST_MS);
}

function look() {
  const now = Date.now(), passed = now - looked;
  looked = now;
  if (!source) return;
  const noAnswer = tried > heard && now - tried > ANSWER_MS;
  if (noAnswer || (on && Math.abs(now - heard) > SILENCE_MS)) lose();
  else if (passed > JUMP_MS && !document.hidden) connect(); // it slept: the line may be dead
}
