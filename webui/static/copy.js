// Puts a button beside each address; without it the address can still be
// selected. It uses nothing that an old browser lacks, nor what only pages
// over TLS may use.
(function () {
  function add(input) {
    var button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.appendChild(document.createTextNode(input.getAttribute("data-copy")));
    button.onclick = function () {
      input.focus();
      input.select();
      var done = false;
      try { done = document.execCommand("copy"); } catch (e) { done = false; }
      button.firstChild.data = input.getAttribute(done ? "data-copied" : "data-keys");
      setTimeout(function () { button.firstChild.data = input.getAttribute("data-copy"); }, 1500);
    };
    input.parentNode.appendChild(button);
    input.parentNode.className += " copies";
  }
  function addAll() {
    var all = document.querySelectorAll ? document.querySelectorAll("input[data-copy]") : [];
    for (var i = 0; i < all.length; i++) { add(all[i]); }
  }
  if (document.addEventListener) { document.addEventListener("mustserv:page", addAll); } // see follow.js
  addAll();
})();
