// The API token: asked for once, kept in this tab, taken from `#token=…` and never put into a URL.

const KEPT = "daehwa.token";
let token = sessionStorage.getItem(KEPT) ?? "";
let waiting = [];

export class Refused extends Error {}

export function takeFromAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  if (!given.has("token")) return;
  keep(given.get("token"));
  given.delete("token");
  const rest = given.toString();
  history.replaceState(null, "", location.pathname + (rest ? `#${rest}` : ""));
}

function keep(value) {
  token = value.trim();
  sessionStorage.setItem(KEPT, token);
}

// fetch with the token; asks for it where it is missing or refused, then tries again.
export async function read(path, options = {}) {
  for (;;) {
    if (!token) await ask("");
    const answer = await fetch(path, {
      ...options,
      headers: { ...options.headers, Authorization: `Bearer ${token}` },
    });
    if (answer.status !== 401) return answer;
    sessionStorage.removeItem(KEPT);
    token = "";
    await ask("This token is not accepted.");
  }
}

function ask(problem) {
  const form = document.getElementById("token-form");
  if (problem || form.hidden) document.getElementById("token-problem").textContent = problem;
  if (form.hidden) {
    form.hidden = false;
    document.getElementById("token").focus();
  }
  return new Promise((resolve) => waiting.push(resolve));
}

export function listenForToken() {
  const form = document.getElementById("token-form");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const field = document.getElementById("token");
    if (!field.value.trim()) return;
    keep(field.value);
    field.value = "";
    form.hidden = true;
    const resumed = waiting;
    waiting = [];
    for (const resume of resumed) resume();
  });
}
