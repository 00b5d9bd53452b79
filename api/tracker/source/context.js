// What surrounds an event, under the names that Segment gave it.

import { referrer } from "./pages.js";

export const pageOf = () => ({
  path: location.pathname,
  url: location.href.split("#")[0],
  title: document.title,
  referrer: referrer(),
  search: location.search,
});

const campaign = () => {
  let found;
  new URLSearchParams(location.search).forEach((value, name) => {
    if (name.startsWith("utm_")) {
      const part = name.slice(4);
      (found = found || {})[part == "campaign" ? "name" : part] = value;
    }
  });
  return found;
};

export const contextOf = () => ({
  page: pageOf(),
  campaign: campaign(),
  userAgent: navigator.userAgent,
  locale: navigator.language,
  timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  library: { name: "daehwa.js", version: "1" },
});
