// Keeps the parts of the status page as they are now: the server tells what
// has changed, as HTML like that of the page. Without it the page is loaded
// anew now and then.
(function () {
  "use strict";
  var pulse = document.querySelector && document.querySelector("[data-events]");
  if (!pulse) { return; }
  var parts = ["now", "hour", "shares", "nodes"], source = null, paused = false;

  function reload() { setTimeout(function () { if (!paused) { location.reload(); } }, 5000); }
  if (!window.EventSource || !window.DOMParser) { reload(); return; }

  // idOf does not ask for node.id: in a form that may be a field.
  function idOf(node) { return node.getAttribute ? node.getAttribute("id") : null; }
  function keyed(parent, id) {
    for (var c = parent.firstChild; c; c = c.nextSibling) { if (idOf(c) === id) { return c; } }
    return null;
  }

  function dress(old, fresh) {
    var i, a;
    for (i = old.attributes.length - 1; i >= 0; i--) {
      if (!fresh.hasAttribute(old.attributes[i].name)) { old.removeAttribute(old.attributes[i].name); }
    }
    for (i = 0; i < fresh.attributes.length; i++) {
      a = fresh.attributes[i];
      if (old.getAttribute(a.name) !== a.value) { old.setAttribute(a.name, a.value); }
    }
  }

  // morph makes what an element holds like that of another one, and leaves as
  // it is what is alike: the focus stays where it was. What has an id keeps it.
  function morph(old, fresh) {
    var at = old.firstChild, rest = Array.prototype.slice.call(fresh.childNodes);
    rest.forEach(function (want) {
      var id = idOf(want), same = id ? keyed(old, id) : at;
      if (!same || same.nodeName !== want.nodeName || idOf(same) !== id) { old.insertBefore(want, at); return; }
      if (same === at) { at = at.nextSibling; } else { old.insertBefore(same, at); }
      if (want.nodeType !== 1) {
        if (same.data !== want.data) { same.data = want.data; }
        return;
      }
      dress(same, want);
      morph(same, want);
    });
    while (at) {
      var next = at.nextSibling;
      old.removeChild(at);
      at = next;
    }
  }

  function show(part, html) {
    morph(document.getElementById(part), new DOMParser().parseFromString(html, "text/html").body);
  }

  function stop() {
    if (source) { source.close(); }
    source = null;
  }
  function go() { // a page that nobody sees needs no connection
    if (paused || document.hidden || source) { return; }
    source = new EventSource(pulse.getAttribute("data-events"));
    parts.forEach(function (part) {
      source.addEventListener(part, function (e) { show(part, e.data); });
    });
    source.onerror = function () { // else the browser tries again by itself
      if (source && source.readyState === 2) { stop(); reload(); }
    };
  }
  document.addEventListener("visibilitychange", function () { if (document.hidden) { stop(); } else { go(); } });
  window.addEventListener("pagehide", stop);

  var button = document.createElement("button");
  button.type = "button";
  button.className = "plain";
  button.textContent = pulse.getAttribute("data-pause");
  button.onclick = function () {
    paused = !paused;
    button.textContent = pulse.getAttribute(paused ? "data-resume" : "data-pause");
    pulse.className = paused ? "pulse still" : "pulse";
    if (paused) { stop(); } else { go(); }
  };
  pulse.appendChild(document.createTextNode(" "));
  pulse.appendChild(button);
  pulse.removeAttribute("hidden");
  go();
})();
