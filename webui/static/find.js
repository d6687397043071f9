// Results while one types in the box above each page. Without this script, or
// with Enter, the box leads to the page of all results.
(() => {
  "use strict";
  const form = document.querySelector(".find"), box = form && form.querySelector("input"), found = form && form.querySelector(".found");
  if (!found || !window.fetch || !window.AbortController) { return; }
  const pause = 150; // milliseconds after a key
  let timer, asked, active = -1;

  found.id = "found";
  found.setAttribute("role", "listbox");
  found.setAttribute("aria-label", box.getAttribute("aria-label"));
  box.setAttribute("role", "combobox");
  box.setAttribute("aria-autocomplete", "list");
  box.setAttribute("aria-controls", "found");
  box.setAttribute("aria-expanded", "false");
  const options = () => found.querySelectorAll("[role=option]");

  function close() {
    clearTimeout(timer);
    if (asked) { asked.abort(); }
    found.replaceChildren();
    active = -1;
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
  }

  async function ask() {
    const words = box.value.trim();
    if (asked) { asked.abort(); }
    if (!words) { close(); return; }
    const mine = asked = new AbortController();
    try {
      const answer = await fetch("/api/v1/search?groups=3&limit=8&q=" + encodeURIComponent(words), { signal: mine.signal });
      if (answer.ok) { draw(await answer.json(), words); }
    } catch (e) { /* another key was pressed, or the server is away */ }
  }

  function draw(answer, words) {
    active = -1;
    found.replaceChildren(...(answer.groups || []).map(group => option(inHere(group.page), group.name, [found.dataset[group.kind], group.artist || above(group.path)].filter(Boolean).join(" · "))), ...answer.items.map(item =>
      option(inHere(item.urls.page), item.title || item.name, [item.artist, item.album || above(item.path)].filter(Boolean).join(" · "))));
    if (answer.total > answer.items.length) { found.append(option("/search?q=" + encodeURIComponent(words), found.dataset.all, answer.total)); }
    if (!answer.total) { found.append(option("", found.dataset.none, "")); }
    box.setAttribute("aria-expanded", "true");
    box.removeAttribute("aria-activedescendant");
  }

  // inHere is an address as it is on this host, by whatever name that is known.
  function inHere(page) {
    const at = new URL(page);
    return at.pathname + at.search;
  }
  const above = path => (path || "").split("/").slice(0, -1).join("/");

  function option(url, title, about) {
    const o = document.createElement(url ? "a" : "span");
    if (url) { o.href = url; }
    o.id = "found" + found.children.length;
    o.tabIndex = -1;
    o.setAttribute("role", "option");
    o.setAttribute("aria-selected", "false");
    for (const text of [title, about]) { o.appendChild(document.createElement("bdi")).textContent = text; }
    return o;
  }

  function choose(i) {
    const all = options();
    if (!all.length) { return; }
    active = (i + all.length + 1) % (all.length + 1); // behind the last one is the box itself
    all.forEach((o, n) => {
      o.id = "found" + n;
      o.setAttribute("aria-selected", n === active);
    });
    if (active < all.length) {
      box.setAttribute("aria-activedescendant", all[active].id);
      all[active].scrollIntoView({ block: "nearest" });
    } else {
      active = -1;
      box.removeAttribute("aria-activedescendant");
    }
  }

  box.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, pause);
  });
  box.addEventListener("keydown", event => {
    const all = options(), chosen = all[active];
    switch (event.key) {
      case "ArrowDown": choose(active + 1); break;
      case "ArrowUp": choose(active < 0 ? all.length - 1 : active ? active - 1 : all.length); break;
      case "Escape": if (!all.length) { return; } close(); break;
      case "Enter": if (!chosen || !chosen.href) { return; } chosen.click(); break;
      default: return;
    }
    event.preventDefault();
  });
  form.addEventListener("focusout", event => { if (!form.contains(event.relatedTarget)) { close(); } });
  form.addEventListener("submit", close);
  found.addEventListener("click", () => setTimeout(close));
  document.addEventListener("mustserv:page", close); // see follow.js
  if (document.activeElement === box && box.value !== box.defaultValue) { ask(); } // who was faster than this script
})();
