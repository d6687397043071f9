// What the browser's own player lacks: it goes on where one stopped, plays the
// next one, knows speeds, keys and chapters, and says beforehand what it can't
// play. Without this script the plain player is left.
(function () {
  "use strict";
  if (!document.querySelector || !document.addEventListener) { return; }

  var memory = "mustserv:at:"; // in the browser's storage, by path

  // stored returns where one stopped: the server knows it of those who are
  // logged in, else this browser.
  function stored(player) {
    if (player.hasAttribute("data-resume")) { return parseFloat(player.getAttribute("data-stopped")) || 0; }
    try { return parseFloat(localStorage.getItem(memory + player.getAttribute("data-path"))) || 0; } catch (e) { return 0; }
  }
  function store(player, seconds) {
    var url = player.getAttribute("data-resume"), path = player.getAttribute("data-path");
    if (url) { tell(url, seconds, player.duration || 0); return; }
    try {
      if (seconds > 0) { localStorage.setItem(memory + path, String(Math.floor(seconds))); } else { localStorage.removeItem(memory + path); }
    } catch (e) { /* a private window: nothing is kept */ }
  }
  function tell(url, seconds, duration) {
    if (!window.fetch) { return; }
    fetch(url, { method: "PUT", keepalive: true, body: JSON.stringify({ at: seconds, duration: isFinite(duration) ? duration : 0 }) })["catch"](function () { /* it is told again */ });
  }

  function clock(seconds) {
    var s = Math.floor(seconds % 60), m = Math.floor(seconds / 60) % 60, h = Math.floor(seconds / 3600);
    return (h ? h + ":" + (m < 10 ? "0" : "") : "") + m + ":" + (s < 10 ? "0" : "") + s;
  }

  function button(text, click) {
    var b = document.createElement("button");
    b.type = "button";
    b.appendChild(document.createTextNode(text));
    b.onclick = click;
    return b;
  }

  // playable asks the browser, with the codecs if they are known.
  function playable(player) {
    var full = player.getAttribute("data-type"), mime = player.querySelector("source").type;
    return player.canPlayType(full || mime) !== "" || (full && full.indexOf("codecs") < 0 && player.canPlayType(mime) !== "");
  }

  function cannot(player, box) {
    box.removeAttribute("hidden");
    player.style.display = "none";
  }

  // resume goes on where one stopped, but not at the very beginning or end.
  function resume(player, tools) {
    var saved = 0, every = player.hasAttribute("data-resume") ? 15 : 5; // seconds
    function goOn() {
      var at = stored(player);
      if (at < 10 || at > player.duration * 0.97 || location.hash.indexOf("#t=") === 0) { return; }
      saved = player.currentTime = at;
      var note = document.createElement("span");
      note.className = "resumed";
      note.setAttribute("role", "status");
      note.appendChild(document.createTextNode(tools.getAttribute("data-resumed") + " " + clock(at) + " "));
      note.appendChild(button(tools.getAttribute("data-restart"), function () {
        player.currentTime = 0;
        note.parentNode.removeChild(note);
      }));
      tools.appendChild(note);
    }
    if (player.readyState > 0) { goOn(); } else { player.addEventListener("loadedmetadata", goOn); }
    function save() {
      var at = player.currentTime;
      if (at === saved) { return; }
      store(player, player.ended || at > player.duration * 0.97 ? 0 : at);
      saved = at;
    }
    player.addEventListener("timeupdate", function () { if (Math.abs(player.currentTime - saved) >= every) { save(); } });
    player.addEventListener("pause", save);
    player.addEventListener("ended", save);
    window.addEventListener("pagehide", function () { if (player.isConnected !== false) { save(); } });
  }

  function speeds(player, tools) {
    var label = document.createElement("label"), select = document.createElement("select");
    label.appendChild(document.createTextNode(tools.getAttribute("data-speed") + " "));
    [0.5, 0.75, 1, 1.25, 1.5, 2].forEach(function (n) {
      var option = document.createElement("option");
      option.value = n;
      option.appendChild(document.createTextNode(n + " ×"));
      option.selected = n === 1;
      select.appendChild(option);
    });
    select.onchange = function () { player.playbackRate = parseFloat(select.value); };
    player.addEventListener("ratechange", function () { select.value = String(player.playbackRate); });
    label.appendChild(select);
    tools.appendChild(label);
  }

  // onwards plays the next one of the folder when this one has ended.
  function onwards(player, tools) {
    var next = player.getAttribute("data-next");
    if (!next) { return; }
    var key = "mustserv:onwards", label = document.createElement("label"), box = document.createElement("input");
    box.type = "checkbox";
    try { box.checked = localStorage.getItem(key) !== "no"; } catch (e) { box.checked = true; }
    box.onchange = function () { try { localStorage.setItem(key, box.checked ? "yes" : "no"); } catch (e) { /* not kept */ } };
    label.appendChild(box);
    label.appendChild(document.createTextNode(" " + tools.getAttribute("data-then")));
    tools.appendChild(label);
    player.addEventListener("ended", function () {
      if (box.checked && player.isConnected !== false) { location.href = next + "#play"; }
    });
    if (location.hash === "#play") {
      var started = player.play();
      if (started && started.catch) { started.catch(function () { /* the browser wants a click */ }); }
    }
  }

  function chapters(player, root) {
    Array.prototype.forEach.call(root.querySelectorAll("[data-at]"), function (cell) {
      var at = parseFloat(cell.getAttribute("data-at")), text = cell.textContent;
      cell.textContent = "";
      var b = button(text, function () { player.currentTime = at; player.play(); });
      b.className = "plain";
      cell.appendChild(b);
    });
  }

  function media(player) {
    if (!navigator.mediaSession || !window.MediaMetadata) { return; }
    var art = player.getAttribute("data-art");
    function act(name, f) { try { navigator.mediaSession.setActionHandler(name, f); } catch (e) { /* not known here */ } }
    player.addEventListener("play", function () {
      navigator.mediaSession.metadata = new MediaMetadata({
        title: player.getAttribute("data-title") || "", artist: player.getAttribute("data-artist") || "",
        album: player.getAttribute("data-album") || "", artwork: art ? [{ src: art }] : []
      });
    });
    player.addEventListener("play", function () { // the dock may have had them
      act("play", function () { player.play(); });
      act("pause", function () { player.pause(); });
      act("seekto", function (e) { player.currentTime = e.seekTime; });
      act("seekbackward", function () { player.currentTime -= 10; });
      act("seekforward", function () { player.currentTime += 30; });
      ["previous", "next"].forEach(function (way) {
        var to = player.getAttribute("data-" + way);
        act(way + "track", to ? function () { location.href = to + "#play"; } : null);
      });
    });
  }

  // keys are those of the players that people know.
  function keys(player, help) {
    var film = player.tagName === "VIDEO";
    document.onkeydown = function (event) {
      var tag = (event.target.tagName || "").toLowerCase();
      if (event.ctrlKey || event.altKey || event.metaKey || tag === "input" || tag === "select" || tag === "textarea") { return; }
      if ((event.key === " " || event.key === "Enter") && (tag === "button" || tag === "a" || tag === "summary")) { return; }
      var key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      var to = { previous: player.getAttribute("data-previous"), next: player.getAttribute("data-next") };
      switch (key) {
        case " ": case "k": if (player.paused) { player.play(); } else { player.pause(); } break;
        case "ArrowLeft": player.currentTime -= 10; break;
        case "ArrowRight": player.currentTime += 10; break;
        case "j": player.currentTime -= 60; break;
        case "l": player.currentTime += 60; break;
        case "ArrowUp": player.volume = Math.min(1, player.volume + 0.1); break;
        case "ArrowDown": player.volume = Math.max(0, player.volume - 0.1); break;
        case "m": player.muted = !player.muted; break;
        case "f":
          if (!film) { return; }
          if (document.fullscreenElement) { document.exitFullscreen(); } else if (player.requestFullscreen) { player.requestFullscreen(); }
          break;
        case "c": captions(player); break;
        case "<": player.playbackRate = Math.max(0.25, player.playbackRate - 0.25); break;
        case ">": player.playbackRate = Math.min(4, player.playbackRate + 0.25); break;
        case "p": if (to.previous) { location.href = to.previous + "#play"; } break;
        case "n": if (to.next) { location.href = to.next + "#play"; } break;
        case "?": help.open = !help.open; break;
        case "Escape": help.open = false; return;
        default:
          if (key >= "0" && key <= "9" && player.duration) { player.currentTime = player.duration * key / 10; break; }
          return;
      }
      event.preventDefault();
    };
  }

  // captions shows the next of the subtitles, or none after the last.
  function captions(player) {
    var tracks = player.textTracks, on = -1;
    for (var i = 0; i < tracks.length; i++) {
      if (tracks[i].mode === "showing") { on = i; }
      tracks[i].mode = "disabled";
    }
    if (on + 1 < tracks.length) { tracks[on + 1].mode = "showing"; }
  }

  // vlc opens the app on telephones, which do nothing with a playlist.
  function vlc(root) {
    var link = root.querySelector(".vlc"), agent = navigator.userAgent;
    if (!link) { return; }
    var at = link.getAttribute("data-media");
    if (/Android/.test(agent)) {
      link.href = "intent:" + at.replace(/^https?:/, "") + "#Intent;scheme=" + at.split(":")[0] + ";package=org.videolan.vlc;type=video/*;S.browser_fallback_url=" + encodeURIComponent(link.href) + ";end";
    } else if (/iPhone|iPad|iPod/.test(agent)) {
      link.href = "vlc-x-callback://x-callback-url/stream?url=" + encodeURIComponent(at);
    }
  }

  function start(root) {
    vlc(root);
    var player = root.querySelector(".player"), tools = root.querySelector(".tools");
    if (!player || !player.canPlayType || !tools) { return; }
    var box = root.querySelector(".cannot");
    keys(player, root.querySelector(".keys"));
    if (!playable(player)) { cannot(player, box); return; }
    player.querySelector("source").addEventListener("error", function () { cannot(player, box); });
    resume(player, tools);
    speeds(player, tools);
    onwards(player, tools);
    chapters(player, root);
    media(player);
  }

  document.addEventListener("mustserv:page", function () { start(document); }); // see follow.js
  start(document);
})();
