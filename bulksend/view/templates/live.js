// Keeps the page fresh: a line each second, the figures when there are new ones.
"use strict";
const main = document.getElementById("main");
const beat = document.querySelector(".beat");
const said = document.querySelector(".said");
let seen = Number(main.dataset.look), state = "", missed = 0;
const OLD = "the figures are old: the terminal says why";

function span(seconds) {
  if (seconds < 90) return Math.ceil(seconds) + " s";
  if (seconds < 5400) return Math.ceil(seconds / 60) + " min";
  return (seconds / 3600).toFixed(1) + " h";
}

function line(now) {
  const parts = [now.state.replace(/ \(.*/, ""),
    now.done.toLocaleString("en") + " of " + now.to_send.toLocaleString("en")];
  if (now.is_held && now.messages_per_second) parts.push(now.messages_per_second + " messages/s");
  if (now.seconds_left) parts.push(span(now.seconds_left) + " left");
  if (now.is_old) parts.push(OLD);
  return parts.join(" · ");
}

function replace(html) {
  const open = [...main.querySelectorAll("details[open]")].map(one => one.id);
  const table = document.activeElement.closest(".scroll");
  const summary = document.activeElement.closest("details");
  const places = [...main.querySelectorAll(".scroll")].map(one => [one.id, one.scrollLeft, one.scrollTop]);
  const [left, top] = [scrollX, scrollY];
  main.innerHTML = html;
  document.title = main.querySelector("h1").textContent + ": " + main.querySelector(".chip").textContent;
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  for (const [id, x, y] of places) document.getElementById(id)?.scrollTo(x, y);
  if (table) document.getElementById(table.id)?.focus({ preventScroll: true });
  else if (summary) document.getElementById(summary.id)?.querySelector("summary").focus({ preventScroll: true });
  scrollTo(left, top);
}

function lose(why) {
  beat.textContent = why;
  beat.classList.add("lost");
}

async function refresh() {
  let answer = null;
  try {
    answer = await fetch("now.json", { cache: "no-store" });
    missed = 0;
    const now = await answer.json();
    beat.textContent = line(now);
    beat.classList.toggle("lost", now.is_old);
    const word = now.state.replace(/ \(.*/, "");
    if (word !== state) { state = word; said.textContent = "The run is " + word + "."; }
    if (now.look !== seen) {
      const page = await fetch("main", { cache: "no-store" });
      if (page.ok) { replace(await page.text()); seen = now.look; }
    }
    if (now.is_purged) {
      said.textContent = "The run was purged: these are its last figures.";
      lose(said.textContent);
      return;
    }
  } catch {
    if (!answer) missed += 1;
    lose(answer ? OLD : missed < 3 ? "no answer: asking again" : "no connection: the watch has ended");
  }
  setTimeout(refresh, document.hidden ? 5000 : 1000);
}
refresh();
