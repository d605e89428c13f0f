// The slider of a limit: asks the server for the new answer and puts it in place. Without this file the form's button does the same.
"use strict";
const form = document.querySelector("form.slider");
if (form) {
  const range = form.querySelector("input[type=range]");
  const number = form.querySelector("input[name=value]");
  let timer = 0, latest = 0;
  range.hidden = false;
  const ask = async () => {
    const mine = ++latest, target = document.getElementById("answer");
    const address = form.getAttribute("action") + "?value=" + encodeURIComponent(number.value);
    target.classList.add("waiting");
    const text = await (await fetch(address)).text();
    if (mine !== latest) return;
    const fresh = new DOMParser().parseFromString(text, "text/html");
    target.replaceWith(fresh.getElementById("answer"));
    document.getElementById("drawing").replaceWith(fresh.getElementById("drawing"));
    history.replaceState(null, "", address);
  };
  range.addEventListener("input", () => { number.value = range.value; clearTimeout(timer); timer = setTimeout(ask, 150); });
  number.addEventListener("input", () => { if (number.value !== "") range.value = number.value; });
}
