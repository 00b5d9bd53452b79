// The visitor's own dialogues beside the shop, asked for eagerly after a click and seldom otherwise.

import { element, ladder } from "/assets/dom.js";

const EAGER_MS = 40;
const EAGER_FOR_MS = 4000;
const CALM_MS = 2000;
const KEPT = "daehwa.panel";
const visitor = () => daehwa.anonymousId();
const NOTHING = { customer_id: null, events: 0, dialogues: {} };

const panel = document.getElementById("panel");
const speed = document.getElementById("panel-speed");

let clickedAt = null;
let clicked = "click";
let timer = null;
// What the panel showed last, on the page before this one too: only what moved since lights up.
let shown = JSON.parse(sessionStorage.getItem(KEPT)) ?? NOTHING;

export function startPanel() {
  if (!visitor()) {
    speed.textContent = "The shop knows nothing of you: your browser asks not to be tracked, or no write key is set.";
    return;
  }
  render(shown, shown);
  document.addEventListener("tracked", (event) => {
    clickedAt = performance.now();
    clicked = event.detail.type === "page" ? "page view" : "click";
    schedule(0);
  });
  document.addEventListener("visibilitychange", () => document.hidden || schedule(0));
  schedule(0);
}

export function clearPanel() {
  keep(NOTHING);
  render(NOTHING, NOTHING);
}

function schedule(wait) {
  clearTimeout(timer);
  timer = setTimeout(look, wait);
}

async function look() {
  const whose = visitor();
  let wait = CALM_MS;
  try {
    const answer = await fetch(`/demo/me/${whose}`, { cache: "no-store" });
    if (answer.ok && whose === visitor()) show(await answer.json());
  } catch {
    // The next look will tell.
  }
  if (clickedAt !== null && performance.now() - clickedAt < EAGER_FOR_MS) wait = EAGER_MS;
  if (!document.hidden) schedule(wait);
}

function show(found) {
  if (found.events === shown.events && found.customer_id === shown.customer_id) return;
  if (clickedAt !== null) {
    const took = Math.round(performance.now() - clickedAt);
    speed.textContent = `Your ${clicked} was folded and is shown here, ${took} ms later.`;
    clickedAt = null;
  }
  render(found, shown);
  keep(found);
}

function keep(found) {
  shown = found;
  sessionStorage.setItem(KEPT, JSON.stringify(found));
}

function render({ dialogues }, before) {
  const rungs = Object.entries(dialogues).map(([topic, dialogue]) =>
    ladder(topic, dialogue, changed(before.dialogues[topic], dialogue)));
  panel.replaceChildren(...(rungs.length ? rungs : [element("p", { class: "quiet" }, "Nothing yet: open a product.")]));
}

function changed(earlier, dialogue) {
  return new Set(Object.keys(dialogue.stages).filter((stage) => earlier?.stages[stage]?.count !== dialogue.stages[stage].count));
}
