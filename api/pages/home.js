import { listenForToken, takeFromAddress } from "/assets/access.js";
import { followCustomer, lookUp } from "/assets/customer.js";
import { element } from "/assets/dom.js";
import { startFeed } from "/assets/feed.js";

const ASK_EVERY_MS = 4000;

function choose(id) {
  const place = `#${new URLSearchParams({ customer: id })}`;
  if (location.hash === place) lookUp(id);
  else location.hash = place;
}

function openPlace() {
  const id = new URLSearchParams(location.hash.slice(1)).get("customer");
  if (!id) return;
  document.getElementById("customer").value = id;
  lookUp(id);
  document.getElementById("customer-title").scrollIntoView({ block: "nearest" });
}

async function showRunning() {
  const list = document.getElementById("running");
  let parts = { API: false };
  try {
    const body = await (await fetch("/readyz")).json();
    parts = { API: true };
    for (const [name, state] of Object.entries(body.dependencies)) parts[name] = state === "up";
  } catch {
    // The API itself is unavailable: that is what the page then says.
  }
  list.replaceChildren(
    ...Object.entries(parts).map(([name, up]) =>
      element("li", { class: up ? "up" : "down" }, name, element("span", { class: "unseen" }, up ? " is up" : " is unavailable"), up ? null : " down"),
    ),
  );
  setTimeout(showRunning, ASK_EVERY_MS);
}

takeFromAddress();
listenForToken();
document.getElementById("look-up").addEventListener("submit", (event) => {
  event.preventDefault();
  choose(document.getElementById("customer").value.trim());
});
addEventListener("hashchange", () => {
  takeFromAddress();
  openPlace();
});
followCustomer();
showRunning();
startFeed(choose);
openPlace();
