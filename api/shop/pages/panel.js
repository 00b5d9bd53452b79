// The visitor's own dialogues beside the shop, asked for eagerly after a click and seldom otherwise.

import { ladder } from "/assets/dom.js";
import { visitor } from "/demo/assets/tracker.js";

const EAGER_MS = 40;
const EAGER_FOR_MS = 4000;
const CALM_MS = 2000;

const panel = document.getElementById("panel");
const speed = document.getElementById("panel-speed");

let clickedAt = null;
let eventsBefore = null;
let before = {};
let timer = null;

export function startPanel() {
  document.addEventListener("tracked", () => {
    clickedAt = performance.now();
    schedule(0);
  });
  document.addEventListener("visibilitychange", () => document.hidden || schedule(0));
  schedule(0);
}

export function clearPanel() {
  before = {};
  eventsBefore = null;
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

function show({ customer_id: customer, events, dialogues }) {
  const moved = events !== eventsBefore;
  if (clickedAt !== null && moved && (eventsBefore !== null || events > 0)) {
    const took = Math.round(performance.now() - clickedAt);
    speed.textContent = `Your click was folded and is shown here, ${took} ms later.`;
    clickedAt = null;
  }
  if (!moved && before === dialogues) return;
  if (moved) {
    const rungs = Object.entries(dialogues).map(([topic, dialogue]) => ladder(topic, dialogue, changed(topic, dialogue)));
    if (rungs.length) panel.replaceChildren(...rungs);
    else panel.replaceChildren(Object.assign(document.createElement("p"), { className: "quiet", textContent: "Nothing yet: open a product." }));
    document.getElementById("visitor").textContent = customer && customer !== visitor() ? `${visitor()}, now ${customer}` : visitor();
  }
  before = dialogues;
  eventsBefore = events;
}

function changed(topic, dialogue) {
  const earlier = before[topic];
  return new Set(Object.keys(dialogue.stages).filter((stage) => earlier?.stages[stage]?.count !== dialogue.stages[stage].count));
}
