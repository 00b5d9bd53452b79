// Triggers as they fire. Server-sent events are read with fetch, because EventSource cannot send the
// token in a header.

import { read } from "/assets/access.js";
import { element, moment } from "/assets/dom.js";

const SHOWN = 60;
const SAY_EVERY_MS = 5000;

const list = document.getElementById("feed");
const state = document.getElementById("feed-state");
const pause = document.getElementById("feed-pause");
const type = document.getElementById("feed-type");
// Trigger types and their words come with the page, from the registry of the server.
const KINDS = Object.fromEntries([...type.options].map((one) => [one.value, one.text]));

let kept = []; // newest first
let fresh = [];
let lastId = "";
let unsaid = 0;
let saidAt = 0;

export function startFeed(choose) {
  const show = () => render(choose);
  pause.addEventListener("click", () => {
    const paused = pause.getAttribute("aria-pressed") !== "true";
    pause.setAttribute("aria-pressed", String(paused));
    pause.textContent = paused ? "Go on" : "Pause";
    show();
  });
  type.addEventListener("change", () => {
    list.replaceChildren();
    show();
  });
  return follow(show);
}

async function follow(show) {
  for (;;) {
    try {
      if (!lastId) {
        const answer = await read("/v1/triggers?limit=50");
        if (!answer.ok) throw new Error((await answer.json()).message);
        for (const trigger of (await answer.json()).triggers.reverse()) take(trigger);
        fresh = [];
        show();
      }
      const answer = await read("/v1/triggers/stream", { headers: { "Last-Event-ID": lastId } });
      if (!answer.ok) throw new Error((await answer.json()).message);
      tell("up", "live");
      await eachMessage(answer.body, (trigger) => {
        take(trigger);
        document.dispatchEvent(new CustomEvent("trigger", { detail: trigger }));
        schedule(show);
      });
      tell("down", "reconnecting");
    } catch (problem) {
      tell("down", problem instanceof TypeError ? "not reachable" : problem.message);
    }
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
}

async function eachMessage(body, take) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const messages = (rest + value).split("\n\n");
    rest = messages.pop();
    for (const message of messages) {
      const data = message.split("\n").find((line) => line.startsWith("data: "));
      if (data) take(JSON.parse(data.slice(6)));
    }
  }
}

function tell(look, text) {
  state.className = `state ${look}`;
  state.textContent = text;
}

function take(trigger) {
  if (kept.some((known) => known.id === trigger.id)) return;
  lastId = trigger.id;
  kept = [trigger, ...kept].slice(0, 500);
  fresh.push(trigger.id);
  unsaid += 1;
}

let scheduled = false;
function schedule(show) {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    show();
  });
}

function render(choose) {
  if (pause.getAttribute("aria-pressed") === "true") return;
  const wanted = kept.filter((trigger) => !type.value || trigger.type === type.value).slice(0, SHOWN);
  const there = new Set([...list.children].map((row) => row.dataset.id));
  const missing = wanted.filter((trigger) => !there.has(trigger.id));
  const arrived = new Set(fresh);
  list.prepend(...missing.map((trigger) => row(trigger, choose, arrived.has(trigger.id))));
  while (list.children.length > SHOWN) list.lastChild.remove();
  fresh = [];
  document.getElementById("feed-empty").hidden = kept.length > 0;
  say();
}

function row(trigger, choose, isFresh) {
  return element(
    "li",
    { class: `${trigger.type.replace(".", "-")}${isFresh ? " fresh" : ""}`, "data-id": trigger.id },
    element("span", { class: "kind" }, KINDS[trigger.type] ?? trigger.type),
    moment(trigger.decided_at),
    element(
      "span",
      { class: "reason" },
      element("button", { type: "button", class: "who", onclick: () => choose(trigger.customer_id) }, trigger.customer_id),
      ` ${trigger.reason}`,
    ),
  );
}

// A screen reader hears a summary now and then, not every row of a busy shop.
function say() {
  if (!unsaid || Date.now() - saidAt < SAY_EVERY_MS) return;
  const latest = kept[0];
  document.getElementById("feed-said").textContent =
    `${unsaid} new ${unsaid === 1 ? "trigger" : "triggers"}; latest: ${latest.customer_id} ${latest.reason}`;
  unsaid = 0;
  saidAt = Date.now();
}
