// The tracker's calls. Nothing of it throws into the page, and a call before load() waits for it.

import { contextOf, pageOf } from "./context.js";
import { options, setOptions } from "./options.js";
import { markSeen, watchPages } from "./pages.js";
import { enqueue, startSending } from "./sending.js";
import { attempt } from "./storage.js";
import {
  forget, forgetEverything, isPrivate, isRefused, renew, setRefused, setUser, user, uuid, visitor,
} from "./visitor.js";

const script = document.currentScript;
const early = [];
let loaded;
let calledAt;
let look = () => {};

const emit = (type, fields) => {
  if (isRefused()) return;
  const common = {
    messageId: uuid(),
    type,
    anonymousId: visitor(),
    userId: user(),
    timestamp: new Date(calledAt || Date.now()),
    context: contextOf(),
  };
  enqueue(Object.assign(common, fields));
};

const calls = {
  // page([[category], name], [properties])
  page(...given) {
    if (isRefused()) return;
    const texts = given.filter((one) => typeof one == "string");
    markSeen();
    emit("page", {
      name: texts.pop(),
      category: texts.pop(),
      properties: Object.assign(pageOf(), given.find((one) => one && typeof one == "object")),
    });
  },

  track(event, properties) {
    emit("track", { event, properties });
  },

  // Without an id: traits of whoever this is. Another id than before is another person.
  identify(id, traits) {
    if (id && typeof id == "object") traits = id;
    else if (id && !isRefused()) {
      if (user() && user() != id) forget();
      setUser(id);
    }
    emit("identify", { traits });
  },

  group(groupId, traits) {
    emit("group", { groupId, traits });
  },

  alias(userId, previousId) {
    emit("alias", { userId, previousId: previousId || user() || visitor() });
  },

  reset: forget,

  // consent("email", true), consent({ email: true, sms: false }), consent(false) for everything.
  // A no to "analytics" (or to all) is the last that is sent, a yes the first.
  consent(what, given) {
    const stated =
      what && typeof what == "object" ? what : given === undefined ? { all: what } : { [what]: given };
    const tracked = "analytics" in stated ? stated.analytics : stated.all;
    if (tracked === true) setRefused(false);
    emit("identify", { traits: { consent: stated } });
    if (tracked === false) setRefused(true);
    look();
  },
};

const api = {
  load(writeKey, given) {
    if (loaded || !writeKey) return;
    attempt(() => {
      setOptions({ host: script && new URL(script.src).origin, writeKey });
      setOptions(given);
      loaded = 1;
      if (isPrivate()) {
        forgetEverything();
        for (const name in calls) api[name] = () => {};
        return;
      }
      renew();
      if (options.pages) look = watchPages(() => calls.page());
      startSending();
      early.splice(0).forEach(replay);
    });
  },

  // Empty where nobody is to be known.
  anonymousId: () => (loaded && !isPrivate() ? visitor() : ""),
};

for (const name in calls) {
  api[name] = (...given) => {
    if (loaded) attempt(() => calls[name](...given));
    else early.push([name, given, Date.now()]);
  };
}

// A call that was made before it could be heard happened when it was made.
const replay = ([name, given, at]) => {
  if (!loaded && name != "load") return early.push([name, given, at]);
  calledAt = at;
  attempt(() => api[name](...given));
  calledAt = 0;
};

const before = window.daehwa || [];
if (!before.load || before.push) {
  window.daehwa = api;
  if (before.forEach) before.forEach(replay);
  if (script && script.dataset.writeKey) api.load(script.dataset.writeKey, script.dataset);
}
