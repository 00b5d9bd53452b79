// Page views: the first one, and one for every new address of a single-page application.

import { attempt } from "./storage.js";

let seen;
let before = "";

const address = () => location.href.split("#")[0];

// Remembers that the view of this address was sent; the address before it is where the visitor came from.
export const markSeen = () => {
  if (seen && seen != address()) before = seen;
  seen = address();
};

export const referrer = () => before || document.referrer;

const whenIdle = (work) =>
  (window.requestIdleCallback || setTimeout)(() => attempt(work), { timeout: 100 });

// Calls `view` once for each address: when the browser has nothing better to do, by when the application has
// set its title, and at the latest when the page closes. Returns what looks again.
export const watchPages = (view) => {
  const look = () => seen != address() && !document.prerendering && view();
  const soon = () => whenIdle(look);
  for (const name of ["pushState", "replaceState"]) {
    const real = history[name];
    history[name] = function () {
      real.apply(this, arguments);
      soon();
    };
  }
  addEventListener("popstate", soon);
  addEventListener("pagehide", () => attempt(look));
  document.addEventListener("prerenderingchange", soon);
  // A page that comes back as it was is seen again.
  addEventListener("pageshow", (event) => event.persisted && attempt(view));
  soon();
  return soon;
};
