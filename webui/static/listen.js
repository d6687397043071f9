// The dock: a queue of songs that goes on playing while one looks at other
// pages. It is kept for this tab, so that a page loaded anew goes on where the
// last one was. All words come from the page.
(() => {
  "use strict";
  const dock = document.querySelector(".dock");
  if (!dock || !window.fetch) { return; }
  const say = dock.dataset, audio = dock.querySelector("audio"), at = dock.querySelector(".at");
  const panel = dock.querySelector(".queue"), list = panel.querySelector("ol");
  const picture = dock.querySelector(".art img"), drawing = picture.src, kept = "mustserv:queue";

  let songs = [];        // each with order, its place before it was shuffled
  let now = 0;           // of them
  let shuffled = false;
  let from = 0;          // seconds, where the song is to begin once its length is known
  let failures = 0;      // songs one after the other that broke off

  const button = name => dock.querySelector(`[data-dock=${name}]`);
  const clock = s => `${s >= 3600 ? Math.floor(s / 3600) + ":" : ""}${String(Math.floor(s / 60) % 60).padStart(s >= 3600 ? 2 : 1, "0")}:${String(Math.floor(s) % 60).padStart(2, "0")}`;
  const tell = text => { dock.querySelector("[role=status]").textContent = text; };
  const length = () => audio.duration > 0 && isFinite(audio.duration) ? audio.duration : songs[now] && songs[now].duration || 0;

  function store() {
    try {
      if (!songs.length) { sessionStorage.removeItem(kept); return; }
      sessionStorage.setItem(kept, JSON.stringify({ songs, now, shuffled, time: from || audio.currentTime, playing: !audio.paused }));
    } catch (e) { /* a private window: nothing is kept */ }
  }

  function stored() {
    try { return JSON.parse(sessionStorage.getItem(kept)); } catch (e) { return null; }
  }

  // load makes a song the one that plays, or the next one that can be played.
  function load(i, play, at) {
    for (now = i; now < songs.length - 1 && !playable(songs[now]); now++) { tell(`${say.cannot}: ${songs[now].title}`); }
    from = now === i && at || 0;
    audio.src = songs[now].media;
    if (play) { start(); }
    draw();
  }

  const playable = song => audio.canPlayType(song.type) || audio.canPlayType(song.type.split(";")[0]);

  function start() {
    const started = audio.play();
    if (started) { started.catch(() => {}); } // not without a click: it waits for one
  }

  // skip goes on behind a song that broke off, but not for ever: the server may
  // be away.
  function skip() {
    tell(`${say.cannot}: ${songs[now].title}`);
    failures++;
    if (failures < 3 && now + 1 < songs.length) { load(now + 1, true); } else { draw(); }
  }

  function step(by) {
    if (by < 0 && audio.currentTime > 3 || now + by < 0) { audio.currentTime = 0; return; }
    if (now + by < songs.length) { load(now + by, true); }
  }

  function take(more) {
    const end = songs.reduce((most, s) => Math.max(most, s.order + 1), 0);
    return more.map((song, i) => Object.assign({}, song, { order: end + i }));
  }

  // play makes songs the queue, from the one whose page is given.
  function play(more, page) {
    songs = [];
    songs = take(more);
    shuffled = false;
    failures = 0;
    if (songs.length) { load(Math.max(0, songs.findIndex(s => s.page === page)), true); } else { clear(); }
  }

  function add(more) {
    const first = !songs.length;
    songs = songs.concat(take(more));
    tell(`${say.added}: ${more.length}`);
    if (first && songs.length) { load(0, true); } else { draw(); }
  }

  function clear() {
    songs = [];
    now = 0;
    audio.pause();
    audio.removeAttribute("src");
    audio.load();
    unfold(false);
    draw();
  }

  // shuffle puts what comes after this song into any order, or back.
  function shuffle() {
    shuffled = !shuffled;
    const song = songs[now];
    if (!shuffled) {
      songs.sort((a, b) => a.order - b.order);
      now = songs.indexOf(song);
    } else {
      for (let i = songs.length - 1; i > now + 1; i--) {
        const j = now + 1 + Math.floor(Math.random() * (i - now));
        [songs[i], songs[j]] = [songs[j], songs[i]];
      }
    }
    draw();
  }

  function move(i, to) {
    if (to < 0 || to >= songs.length) { return; }
    const song = songs[now];
    songs.splice(to, 0, songs.splice(i, 1)[0]);
    now = songs.indexOf(song);
    draw();
  }

  function remove(i) {
    const playing = !audio.paused;
    songs.splice(i, 1);
    if (!songs.length) { clear(); return; }
    if (i < now) { now--; } else if (i === now) { load(Math.min(now, songs.length - 1), playing); }
    draw();
  }

  function unfold(open) {
    panel.hidden = !open;
    button("queue").setAttribute("aria-expanded", open);
    draw();
    const current = list.querySelector("[aria-current]");
    if (open && current) { list.scrollTop = current.offsetTop - list.offsetTop - 60; }
  }

  function draw() {
    const song = songs[now];
    dock.hidden = !song;
    document.body.classList.toggle("docked", !!song);
    store();
    if (!song) { return; }
    dock.querySelector(".now").href = song.page;
    dock.querySelector(".title").textContent = song.title;
    dock.querySelector(".artist").textContent = song.artist || "";
    picture.src = song.art || drawing;
    picture.className = song.art ? "" : "drawn";
    button("shuffle").setAttribute("aria-pressed", shuffled);
    button("next").disabled = now + 1 >= songs.length;
    dock.querySelector(".count").textContent = `${now + 1} / ${songs.length}`;
    beat();
    drawState();
    if (!panel.hidden) { drawQueue(); }
    if (window.MediaMetadata && navigator.mediaSession) {
      navigator.mediaSession.metadata = new MediaMetadata({ title: song.title, artist: song.artist || "", album: song.album || "", artwork: song.art ? [{ src: song.art }] : [] });
    }
  }

  function drawState() {
    dock.classList.toggle("playing", !audio.paused);
    button("play").setAttribute("aria-label", audio.paused ? say.play : say.pause);
  }

  function drawQueue() {
    const had = document.activeElement && list.contains(document.activeElement) ? document.activeElement.dataset : null;
    const i = had ? +had.row : 0, act = had ? had.act : "";
    list.replaceChildren(...songs.map((song, i) => {
      const row = document.createElement("li");
      if (i === now) { row.setAttribute("aria-current", "true"); }
      row.append(key(i, "jump", song.title, "", song.artist), key(i, "up", "↑", say.up), key(i, "down", "↓", say.down), key(i, "remove", "×", say.remove));
      return row;
    }));
    const again = had && list.children[Math.min(i, songs.length - 1)];
    if (again) { again.querySelector(`[data-act=${act}]`).focus(); }
  }

  // key makes a button of a row of the queue.
  function key(i, act, text, label, about) {
    const b = document.createElement("button");
    b.type = "button";
    b.dataset.row = i;
    b.dataset.act = act;
    const words = b.appendChild(document.createElement("bdi"));
    words.textContent = text;
    if (label) { b.setAttribute("aria-label", `${label}: ${songs[i].title}`); }
    if (about) { b.appendChild(document.createElement("bdi")).textContent = about; }
    return b;
  }

  function beat() {
    const all = length(), done = audio.currentTime;
    if (!at.dragged) { at.value = all ? Math.round(done / all * 1000) : 0; }
    at.style.setProperty("--at", at.value / 10 + "%");
    at.setAttribute("aria-valuetext", `${clock(done)} / ${clock(all)}`);
    dock.querySelector(".time").textContent = `${clock(done)} / ${clock(all)}`;
  }

  audio.addEventListener("loadedmetadata", () => {
    if (from) { audio.currentTime = from; }
    from = 0;
  });
  let saved = 0;
  audio.addEventListener("timeupdate", () => {
    beat();
    if (Math.abs(audio.currentTime - saved) > 5) { saved = audio.currentTime; store(); }
  });
  audio.addEventListener("playing", () => { failures = 0; });
  audio.addEventListener("ended", () => { if (now + 1 < songs.length) { step(1); } else { load(0, false); } });
  audio.addEventListener("error", () => { if (audio.getAttribute("src")) { skip(); } });
  ["play", "pause"].forEach(e => audio.addEventListener(e, () => { drawState(); store(); }));
  window.addEventListener("pagehide", store);

  at.addEventListener("input", () => { at.dragged = true; });
  at.addEventListener("change", () => { at.dragged = false; audio.currentTime = at.value / 1000 * length(); });

  dock.addEventListener("click", event => {
    const b = event.target.closest("button");
    if (!b) { return; }
    const i = +b.dataset.row;
    switch (b.dataset.dock || b.dataset.act) {
      case "previous": step(-1); break;
      case "next": step(1); break;
      case "play": if (audio.paused) { start(); } else { audio.pause(); } break;
      case "queue": unfold(panel.hidden); break;
      case "shuffle": shuffle(); break;
      case "clear": clear(); break;
      case "jump": load(i, true); break;
      case "up": move(i, i - 1); break;
      case "down": move(i, i + 1); break;
      case "remove": remove(i); break;
    }
  });
  dock.addEventListener("keydown", event => {
    if (event.key === "Escape" && !panel.hidden) { unfold(false); button("queue").focus(); }
  });

  // Only one thing plays at a time: a film on the page, or the dock.
  document.addEventListener("play", event => {
    if (event.target !== audio) { audio.pause(); return; }
    document.querySelectorAll(".player").forEach(p => p.pause());
    keys();
  }, true);

  // keys answers the keys of a keyboard or a headset.
  function keys() {
    const session = navigator.mediaSession;
    if (!session) { return; }
    const act = (name, f) => { try { session.setActionHandler(name, f); } catch (e) { /* not known here */ } };
    act("play", start);
    act("pause", () => audio.pause());
    act("previoustrack", () => step(-1));
    act("nexttrack", () => step(1));
    act("seekto", e => { audio.currentTime = e.seekTime; });
    act("seekbackward", () => { audio.currentTime -= 10; });
    act("seekforward", () => { audio.currentTime += 10; });
    draw();
  }

  // get asks for songs, and does something with them.
  function get(url, then) {
    fetch(url).then(r => r.ok ? r.json() : { songs: [] }).then(answer => then(answer.songs)).catch(() => {});
  }

  // offer gives a page its buttons: for all its songs, and for each row.
  function offer() {
    document.querySelectorAll(".listen").forEach(box => {
      const url = box.dataset.songs;
      box.hidden = false;
      box.addEventListener("click", event => {
        const act = event.target.dataset.listen;
        if (act === "shuffle") {
          get(url + (url.includes("?") ? "&" : "?") + "shuffle=1", more => play(more));
        } else if (act) {
          get(url, more => { if (act === "play") { play(more); } else { add(more); } });
        }
      });
    });
    document.querySelectorAll("tr.song").forEach(offerRow);
  }

  function offerRow(row) {
    const link = row.querySelector(".name a"), icon = row.querySelector(".mark img"), all = document.querySelector(".listen");
    if (!link) { return; }
    const page = link.getAttribute("href"), one = page.replace("/watch/", "/api/v1/songs/"), title = link.textContent;
    const make = (text, click) => {
      const b = document.createElement("button");
      b.type = "button";
      b.title = text;
      b.setAttribute("aria-label", `${text}: ${title}`);
      b.addEventListener("click", click);
      return b;
    };
    const go = make(say.play, () => get(all ? all.dataset.songs : one, more => {
      if (more.some(s => s.page === page)) { play(more, page); } else { get(one, play); }
    }));
    icon.replaceWith(go);
    icon.alt = "";
    go.append(icon);
    go.className = "go";
    const more = make(say.add, () => get(one, add));
    more.className = "add";
    more.textContent = "+";
    row.querySelector(".name").prepend(more);
  }

  document.addEventListener("mustserv:page", offer); // another page is shown, see follow.js
  offer();
  const before = stored();
  if (before && before.songs && before.songs.length) {
    songs = before.songs;
    shuffled = !!before.shuffled;
    load(Math.min(before.now, songs.length - 1), before.playing, before.time);
  }
})();
