// The queue, and how it empties. Each event is kept under a name of its own until the collector says that
// it has it: tabs share the queue without overwriting each other, and what is sent twice counts once.

import { options } from "./options.js";
import { attempt, namesOf, read, remove, write } from "./storage.js";

const MOST_BYTES = 6e4; // browsers let 64 KB be on its way from a page that closes
const LONGEST_PAUSE_MS = 6e4;
const PATIENCE_MS = 3e4;

const flying = new Set();
let room = MOST_BYTES;
let prefix;
let count = 0;
let fewer; // events of a batch, since the collector found one too large
let failures = 0;
let sending;
let timer;

const sizeOf = (text) => new Blob([text]).size;

const most = () => fewer || options.flushAt;

const waiting = () => namesOf(prefix).filter((name) => !flying.has(name));

const later = (pause) => {
  clearTimeout(timer);
  timer = setTimeout(flush, pause);
};

// Keeps an event; beyond `queueSize` the oldest go, and the newest tells how many went.
export const enqueue = (event) => {
  const names = waiting();
  let dropped = 0;
  while (names.length >= options.queueSize) {
    const oldest = names.shift();
    dropped += attempt(() => 1 + (JSON.parse(read(oldest)).context.dropped | 0)) | 0;
    remove(oldest);
  }
  if (dropped) event.context.dropped = dropped;
  // 16 digits for the next centuries, so that names sort by time.
  write(prefix + (Date.now() * 1e3 + (count++ % 1e3)) + event.messageId, JSON.stringify(event));
  if (names.length + 1 >= most() && !failures) flush();
  else if (!timer) later(options.flushInterval);
};

// The oldest events of at most so many bytes; a single one may be larger, unless the page closes.
const take = (bytes, closing) => {
  const taken = [];
  for (const name of waiting()) {
    const event = read(name);
    if (!event) continue; // another tab has just sent it
    bytes -= sizeOf(event);
    if (bytes < 0 && (closing || taken.length)) break;
    taken.push([name, event]);
    if (!closing && taken.length >= most()) break;
  }
  return taken;
};

const send = async (closing) => {
  const taken = take(closing ? room - 500 : MOST_BYTES - 500, closing);
  if (!taken.length) return;
  const url = options.host.replace(/\/$/, "") + "/v1/batch";
  // As text: JSON would make the browser ask the collector beforehand, which a closing page has no time for.
  const { writeKey } = options;
  const body = `{"batch":[${taken.map((one) => one[1])}],${JSON.stringify({ writeKey, sentAt: new Date() }).slice(1)}`;
  const bytes = sizeOf(body);
  if (closing && !("keepalive" in Request.prototype)) {
    // No answer will come, so the next page sends it once more.
    navigator.sendBeacon(url, body);
    return;
  }
  let status;
  let pause = 0;
  const keepalive = bytes <= room;
  if (keepalive) room -= bytes;
  taken.forEach((one) => flying.add(one[0]));
  try {
    const signal = AbortSignal.timeout && AbortSignal.timeout(PATIENCE_MS);
    const answer = await fetch(url, { method: "POST", body, keepalive, signal, credentials: "omit" });
    status = answer.status;
    pause = Math.min(answer.headers.get("Retry-After") * 1e3 || 0, 1e9);
  } catch (_) {}
  if (keepalive) room += bytes;
  taken.forEach((one) => flying.delete(one[0]));
  if (!status || status == 408 || status == 429 || status > 499) {
    pause += Math.min(LONGEST_PAUSE_MS, 500 * 2 ** failures++) * (0.5 + Math.random() / 2);
  } else if (status == 413 && taken.length > 1) {
    fewer = taken.length >> 1;
  } else {
    taken.forEach((one) => remove(one[0]));
    failures = fewer = 0;
  }
  later(pause);
};

// One request at a time: in this page, and in all tabs where the browser has locks.
const flush = async () => {
  timer = 0;
  if (sending) return;
  sending = 1;
  try {
    await navigator.locks.request(prefix, () => send());
  } catch (_) {
    await send();
  }
  sending = 0;
};

// What waits is handed to the browser, which sends it after the page has gone.
const leave = () => send(1);

const on = (target, name, work) =>
  target.addEventListener(name, () => attempt(work), { passive: true });

export const startSending = () => {
  prefix = `daehwa.queue.${options.writeKey}.`;
  on(window, "online", () => {
    failures = 0;
    flush();
  });
  on(window, "pagehide", leave);
  // On telephones a page may never hear more than this. It also comes with every change of tab.
  on(document, "visibilitychange", () => document.hidden && !failures && leave());
  flush();
};
