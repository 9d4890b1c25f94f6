// Follows one person on an old tablet: nothing here is newer than what browsers knew in 2012. One
// without a stream of events loads the page anew.
(function () {
  "use strict";
  var SILENCE_MS = 40000, RELOAD_MS = 15000, RETRY_MS = 5000;
  var body = document.body, age = document.getElementById("age");
  var skew = 0, heard = new Date().getTime(), source = null;

  function now() { return new Date().getTime(); }

  function two(number) { return (number < 10 ? "0" : "") + number; }

  function clock(ms) {
    var at = new Date(ms);
    return two(at.getHours()) + ":" + two(at.getMinutes());
  }

  function show() {
    var kiosk = document.getElementById("kiosk"), until = kiosk.getAttribute("data-valid-until");
    var times = kiosk.getElementsByTagName("time"), silent = Math.abs(now() - heard) > SILENCE_MS;
    var old = until && now() + skew >= Date.parse(until);
    for (var i = 0; i < times.length; i++) times[i].innerHTML = clock(Date.parse(times[i].getAttribute("datetime")));
    body.className = silent || old ? "old" : "";
    age.innerHTML = silent ? "No news since " + clock(heard + skew) : old ? "Too old to show" : "";
    document.title = document.getElementById("state").textContent;
  }

  function come(event) {
    heard = now();
    return JSON.parse(event.data);
  }

  function beat(event) {
    skew = Date.parse(come(event).now) - now();
    show();
  }

  function listen() {
    if (source) source.close();
    var mine = source = new EventSource("events?only=" + encodeURIComponent(body.getAttribute("data-only")) +
      "&have=" + encodeURIComponent(body.getAttribute("data-have")));
    mine.addEventListener("hello", function (event) {
      beat(event);
      if (JSON.parse(event.data).release !== body.getAttribute("data-release")) location.reload();
    });
    mine.addEventListener("beat", beat);
    mine.addEventListener("part", function (event) {
      var part = come(event), old = document.getElementById(part.id), box = document.createElement("div");
      box.innerHTML = part.html;
      old.parentNode.replaceChild(box.firstChild, old);
      body.setAttribute("data-have", part.have);
      show();
    });
    mine.onerror = function () {
      mine.close();
      if (mine !== source) return;
      source = null;
      setTimeout(listen, RETRY_MS);
      askWhetherLocked();
    };
  }

  function askWhetherLocked() {
    var request = new XMLHttpRequest();
    request.onload = function () { if (request.status === 401) location.reload(); };
    request.open("HEAD", location.href);
    request.send();
  }

  setInterval(function () {
    if (source && Math.abs(now() - heard) > SILENCE_MS) {
      source.close();
      source = null;
      setTimeout(listen, RETRY_MS);
    }
    show();
  }, 1000);
  if (window.EventSource) listen();
  else setTimeout(function () { location.reload(); }, RELOAD_MS);
})();
