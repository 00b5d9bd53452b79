// Who visits, and whether they want to be known: first-party cookie and localStorage, never a third party's.

import { options } from "./options.js";
import { attempt, namesOf, read, remove, write } from "./storage.js";

const YEAR_S = 31536000;
const ID = "daehwa.id";
const USER = "daehwa.user";
const REFUSED = "daehwa.refused";

// crypto.randomUUID is missing where a page is served over plain HTTP.
export const uuid = () =>
  crypto.randomUUID
    ? crypto.randomUUID()
    : "xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx".replace(/x/g, () =>
        (crypto.getRandomValues(new Uint8Array(1))[0] & 15).toString(16),
      );

// A site that changes its mind about `domain` gets cookies of another name: an old one would shadow the new.
const cookieName = (name) => name + (options.domain || "");

const recall = (name) =>
  attempt(() => document.cookie.match(`(?:^|; )${cookieName(name)}=([^;]+)`)[1]) || read(name);

const setCookie = (name, value) =>
  attempt(() => {
    document.cookie =
      `${cookieName(name)}=${value};path=/;SameSite=Lax;max-age=${value && YEAR_S}` +
      (location.protocol == "https:" ? ";Secure" : "") +
      (options.domain ? `;domain=${options.domain}` : "");
  });

const remember = (name, value) => {
  write(name, value);
  setCookie(name, value);
};

// Read anew each time, so that two tabs that open at once soon agree, and a reset in one is one in all.
// Empty where nobody is to be known.
export const visitor = () => {
  if (isRefused()) return "";
  const known = recall(ID);
  if (known) return known;
  const made = (options.prefix || "") + uuid();
  remember(ID, made);
  return made;
};

// Browsers shorten the life of what scripts store; each visit begins it anew.
export const renew = () => isRefused() || remember(ID, visitor());

export const user = () => read(USER);

export const setUser = (id) => write(USER, `${id}`);

export const forget = () => {
  remove(USER);
  remove(ID);
  setCookie(ID, 0);
};

// Do Not Track or Global Privacy Control, where the site has not said to ignore them.
export const isPrivate = () =>
  options.respectDnt && (navigator.globalPrivacyControl || navigator.doNotTrack == 1);

// A site may ask first: then nobody has agreed who has not said so.
export const isRefused = () => (recall(REFUSED) || (options.optIn ? "yes" : "no")) == "yes";

export const setRefused = (refused) => {
  remember(REFUSED, refused ? "yes" : "no");
  if (refused) forget();
};

export const forgetEverything = () => {
  forget();
  namesOf("daehwa.").forEach(remove);
};
