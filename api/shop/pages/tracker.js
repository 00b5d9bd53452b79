// A tracker in a hundred lines: the Segment protocol over POST /v1/batch. An event stays in an outbox
// until the collector says that it has it, so that neither a lost answer nor a closed page loses it.

const OUTBOX = "daehwa.outbox";
const VISITOR = "daehwa.visitor";
const USER = "daehwa.user";
const MOST_WAITING = 200;

const writeKey = document.documentElement.dataset.writeKey;
let retryIn = 500;
let sending = false;

// Not crypto.randomUUID: it is missing where a shop is tried over plain HTTP.
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

export function visitor() {
  let id = localStorage.getItem(VISITOR);
  if (!id) {
    id = `demo-${uuid()}`;
    localStorage.setItem(VISITOR, id);
  }
  return id;
}

export function user() {
  return localStorage.getItem(USER);
}

export function page(properties = {}) {
  send("page", { properties });
}

export function track(event, properties = {}) {
  send("track", { event, properties });
}

export function identify(userId, traits = {}) {
  localStorage.setItem(USER, userId);
  send("identify", { traits });
}

// The next click is somebody else's.
export function forget() {
  localStorage.removeItem(USER);
  localStorage.removeItem(VISITOR);
}

function send(type, fields) {
  const event = {
    messageId: uuid(),
    type,
    anonymousId: visitor(),
    timestamp: new Date().toISOString(),
    context: {
      page: { path: location.pathname, url: location.href, title: document.title, referrer: document.referrer },
      userAgent: navigator.userAgent,
      locale: navigator.language,
      library: { name: "daehwa-demo-shop", version: "1" },
    },
    ...fields,
  };
  if (type === "page") event.properties = { ...event.context.page, ...event.properties };
  if (user()) event.userId = user();
  outbox([...outbox(), event].slice(-MOST_WAITING));
  document.dispatchEvent(new CustomEvent("tracked", { detail: event }));
  flush();
}

function outbox(events) {
  if (events) localStorage.setItem(OUTBOX, JSON.stringify(events));
  return events ?? JSON.parse(localStorage.getItem(OUTBOX) ?? "[]");
}

export async function flush() {
  const batch = outbox().slice(0, 20);
  if (sending || !batch.length || !writeKey) return;
  sending = true;
  let again = 0;
  try {
    const answer = await fetch("/v1/batch", {
      method: "POST",
      keepalive: true,
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ writeKey, batch, sentAt: new Date().toISOString() }),
    });
    if (answer.status === 429 || answer.status >= 500) {
      again = 1000 * Number(answer.headers.get("Retry-After") ?? 0) || retryIn;
    } else {
      const done = new Set(batch.map((event) => event.messageId));
      outbox(outbox().filter((event) => !done.has(event.messageId)));
      retryIn = 500;
    }
  } catch {
    again = retryIn;
  }
  sending = false;
  if (again) {
    retryIn = Math.min(retryIn * 2, 30_000);
    setTimeout(flush, again);
  } else if (outbox().length) flush();
}
