// Numbers the lines of the config, and has it checked as one pauses typing.
// Without it the buttons do the same.
(function () {
  "use strict";
  var area = document.querySelector("textarea[data-check]");
  if (!area || !window.fetch) { return; }
  var live = document.querySelector(".live");
  var gutter = document.createElement("pre");
  gutter.className = "gutter";
  gutter.setAttribute("aria-hidden", "true");
  var frame = document.createElement("div");
  frame.className = "numbered";
  area.parentNode.insertBefore(frame, area);
  frame.appendChild(gutter);
  frame.appendChild(area);

  var marked = {};
  function number() {
    var n = area.value.split("\n").length, text = "";
    gutter.textContent = "";
    for (var i = 1; i <= n; i++) {
      if (marked[i]) {
        gutter.appendChild(document.createTextNode(text));
        text = "";
        var bad = document.createElement("b");
        bad.textContent = i + "\n";
        gutter.appendChild(bad);
      } else {
        text += i + "\n";
      }
    }
    gutter.appendChild(document.createTextNode(text));
    gutter.scrollTop = area.scrollTop;
  }

  function goTo(line, column) {
    var lines = area.value.split("\n"), at = 0;
    for (var i = 0; i < line - 1 && i < lines.length; i++) { at += lines[i].length + 1; }
    area.focus();
    area.setSelectionRange(at + column - 1, at + column - 1);
    area.scrollTop = Math.max(0, (line - 5) * area.scrollHeight / lines.length);
  }

  function show(mistakes) {
    marked = {};
    live.textContent = "";
    mistakes.forEach(function (m) {
      marked[m.line] = true;
      var p = document.createElement("p"), a = document.createElement("button");
      a.type = "button";
      a.className = "plain";
      a.textContent = area.getAttribute("data-line").replace("%d", m.line).replace("%d", m.column);
      a.onclick = function () { goTo(m.line, m.column); };
      p.appendChild(a);
      p.appendChild(document.createTextNode(": " + m.text));
      live.appendChild(p);
    });
    if (!mistakes.length) { live.textContent = area.getAttribute("data-none"); }
    number();
  }

  var timer, asked = 0;
  function check() {
    var mine = ++asked;
    fetch(area.getAttribute("data-check"), { method: "POST", body: area.value, credentials: "same-origin" })
      .then(function (answer) { return answer.json(); })
      .then(function (answer) { if (mine === asked) { show(answer.mistakes || []); } })
      .catch(function () { live.textContent = ""; });
  }
  area.addEventListener("input", function () {
    number();
    clearTimeout(timer);
    timer = setTimeout(check, 500);
  });
  area.addEventListener("scroll", function () { gutter.scrollTop = area.scrollTop; });
  number();
})();
