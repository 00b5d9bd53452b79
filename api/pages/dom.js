// Building pages out of data: text is only ever set as text.

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "long", timeStyle: "long" });

// A moment (ISO text or milliseconds): today by the clock, else by the day; in full on hover.
export function moment(at) {
  if (at === null || at === undefined) return element("span", { class: "quiet" }, "–");
  const date = new Date(at);
  const today = date.toDateString() === new Date().toDateString();
  return element(
    "time",
    { datetime: date.toISOString(), title: whole.format(date) },
    today ? clock.format(date) : day.format(date),
  );
}

// One dialogue as a ladder. `lit` names the stages that changed just now.
export function ladder(topic, dialogue, lit = new Set()) {
  const names = [...dialogue.ladder];
  for (const stage of Object.keys(dialogue.stages)) if (!names.includes(stage)) names.push(stage);
  const channels = Object.entries(dialogue.channels)
    .map(([channel, count]) => `${channel} ${count}`)
    .join(", ");
  const rungs = names.map((stage) => {
    const span = dialogue.stages[stage];
    const now = stage === dialogue.stage;
    const look = [span && "reached", now && "now", lit.has(stage) && "lit"].filter(Boolean).join(" ");
    return element(
      "li",
      { class: look, "aria-current": now ? "step" : null },
      stage,
      element("span", { class: "count" }, span ? `${span.count}×` : ""),
      span ? null : element("span", { class: "unseen" }, " not reached"),
    );
  });
  return element(
    "div",
    { class: "dialogue" },
    element(
      "div",
      { class: "dialogue-head" },
      element("b", {}, topic),
      element("small", { class: "quiet" }, `${channels} · last `, moment(dialogue.last_at)),
    ),
    element("ol", { class: "ladder", "aria-label": `Stages of ${topic}` }, rungs),
  );
}
