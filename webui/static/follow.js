// While music plays, links lead on without loading a page anew, so that the
// dock goes on: what the next page shows is fetched and put in the place of
// what is there. Where anything is amiss, the link is followed as ever.
(() => {
  "use strict";
  const dock = document.querySelector(".dock");
  if (!dock || !window.fetch || !window.DOMParser || !history.pushState) { return; }
  let shown = location.pathname + location.search; // the address of what is shown
  let asked; // for what comes next
  const loaded = new Set(Array.from(document.scripts, s => s.src));

  const follows = url => url.origin === location.origin && /^\/($|(browse|watch)\/|(films|series|music|new|search)$)/.test(url.pathname);

  // show puts the page of an address in the place of this one.
  async function show(url, move, y) {
    if (asked) { asked.abort(); }
    const mine = asked = new AbortController();
    try {
      const answer = await fetch(url, { signal: mine.signal, headers: { Accept: "text/html" } });
      const text = await answer.text();
      const at = new URL(answer.url);
      at.hash = url.hash;
      if (!follows(at) || !(answer.headers.get("Content-Type") || "").startsWith("text/html")) { throw new Error(answer.status); }
      put(new DOMParser().parseFromString(text, "text/html"), at, move, y);
    } catch (e) {
      if (!mine.signal.aborted) { location.href = url; }
    }
  }

  function put(page, at, move, y) {
    if (move) {
      history.replaceState({ y: scrollY }, "");
      history.pushState({ y: 0 }, "", at);
    }
    shown = at.pathname + at.search;
    document.title = page.title;
    const main = document.querySelector(".main"), next = document.importNode(page.querySelector(".main"), true);
    next.querySelectorAll("script").forEach(s => s.remove());
    main.replaceWith(next);
    document.querySelector(".find input").value = page.querySelector(".find input").value;
    document.onkeydown = null; // the last page's
    page.querySelectorAll("script[src]").forEach(run);
    document.dispatchEvent(new Event("mustserv:page"));
    const heading = next.querySelector("h1");
    if (heading) {
      heading.tabIndex = -1;
      heading.focus({ preventScroll: true });
    }
    scrollTo(0, y || 0);
  }

  // run loads a script that only the new page has; the others know of it.
  function run(script) {
    const src = new URL(script.getAttribute("src"), location).href;
    if (loaded.has(src)) { return; }
    loaded.add(src);
    document.head.append(Object.assign(document.createElement("script"), { src }));
  }

  document.addEventListener("click", event => {
    const link = event.target.closest("a[href]");
    if (dock.hidden || !link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || link.target) { return; }
    const url = new URL(link.href);
    if (!follows(url) || url.hash && url.pathname + url.search === shown) { return; }
    event.preventDefault();
    show(url, true);
  });
  document.addEventListener("submit", event => {
    const form = event.target, url = new URL(form.action);
    if (dock.hidden || event.defaultPrevented || form.method !== "get" || !follows(url)) { return; }
    event.preventDefault();
    url.search = new URLSearchParams(new FormData(form));
    show(url, true);
  });
  window.addEventListener("popstate", event => {
    if (location.pathname + location.search !== shown) { show(new URL(location), false, event.state && event.state.y); }
  });
})();
