// The browser SDKs, put where the test page can reach them.
import { RudderAnalytics } from "@rudderstack/analytics-js/bundled";
import { AnalyticsBrowser } from "@segment/analytics-next";

const starts = {
  "segment-browser": (url, writeKey) => {
    const host = new URL(url).host;
    // set-up
    const analytics = AnalyticsBrowser.load(
      { writeKey, cdnURL: url },
      { integrations: { "Segment.io": { apiHost: `${host}/v1`, protocol: "http" } } },
    );
    // end
    return analytics;
  },
  "rudderstack-browser": (url, writeKey) => {
    // set-up
    const analytics = new RudderAnalytics();
    analytics.load(writeKey, url, { configUrl: url });
    // end
    return analytics;
  },
};

window.progress = 0;
window.send = async (sdk, url, writeKey, userId, count, pauseMs) => {
  const analytics = starts[sdk](url, writeKey);
  for (let mark = 0; mark < count; mark++) {
    const said = { mark, text: `${userId} says ${mark} 대화` };
    const place = mark % 20;
    if (mark === 0) analytics.identify(userId, said);
    else if (place === 1) analytics.page("Shop", `Page ${mark}`, said);
    else if (place === 2 && analytics.screen) analytics.screen("App", `Screen ${mark}`, said);
    else if (place === 3) analytics.group(`group-${mark}`, said);
    else analytics.track(`Event ${mark % 7}`, said);
    window.progress = mark + 1;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  analytics.alias(`${userId}-after`, userId);
};
