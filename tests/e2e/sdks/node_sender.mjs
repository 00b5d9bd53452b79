// Sends with one of the Node SDKs, as a program that uses it does.
// node node_sender.mjs SDK URL WRITE_KEY CUSTOMER EVENTS PAUSE_MS
import { setTimeout as pause } from "node:timers/promises";

const starts = {
  "segment-node": async (url, writeKey) => {
    // set-up
    const { Analytics } = await import("@segment/analytics-node");

    const analytics = new Analytics({ writeKey, host: url });
    // end
    return { analytics, finish: () => analytics.closeAndFlush() };
  },
  "rudderstack-node": async (url, writeKey) => {
    // set-up
    const { default: RudderAnalytics } = await import("@rudderstack/rudder-sdk-node");

    const analytics = new RudderAnalytics(writeKey, { dataPlaneUrl: url, errorHandler: () => {} });
    // end
    return { analytics, finish: () => analytics.flush() };
  },
};

const [sdk, url, writeKey, userId, count, pauseMs] = process.argv.slice(2);
const { analytics, finish } = await starts[sdk](url, writeKey);
const failed = [];
const answered = [];

function send(kind, message, mark) {
  answered.push(
    new Promise((resolve) => {
      analytics[kind](message, (problem) => {
        if (problem) failed.push(mark);
        resolve();
      });
    }),
  );
}

for (let mark = 0; mark < Number(count); mark++) {
  const said = { mark, text: `${userId} says ${mark} 대화` };
  const place = mark % 20;
  if (mark === 0) send("identify", { userId, traits: said }, mark);
  else if (place === 1) send("page", { userId, name: `Page ${mark}`, properties: said }, mark);
  else if (place === 2) send("screen", { userId, name: `Screen ${mark}`, properties: said }, mark);
  else if (place === 3) send("group", { userId, groupId: `group-${mark}`, traits: said }, mark);
  else send("track", { userId, event: `Event ${mark % 7}`, properties: said }, mark);
  console.log(mark);
  await pause(Number(pauseMs)); // an application that is busy with other things
}
send("alias", { userId, previousId: `${userId}-before` }, -1);
await finish();
await Promise.all(answered);
console.log(JSON.stringify({ failed }));
