// One customer, readable: who this is, how far each dialogue has come, what to expect next.

import { read } from "/assets/access.js";
import { element, ladder, moment } from "/assets/dom.js";

const view = document.getElementById("view");
const problem = document.getElementById("customer-problem");
let shown = null;
let before = {};

export async function lookUp(id) {
  if (id !== shown) before = {};
  shown = id;
  const answer = await read(`/v1/customers/${encodeURIComponent(id)}`);
  if (shown !== id) return;
  const body = await answer.json();
  if (!answer.ok) {
    problem.textContent = body.message;
    view.replaceChildren();
    return;
  }
  problem.textContent = "";
  view.replaceChildren(...render(body));
  before = body.dialogues;
}

// Looks again when something is decided about the customer on screen.
export function followCustomer() {
  let soon = null;
  document.addEventListener("trigger", (event) => {
    if (event.detail.customer_id !== shown || soon) return;
    soon = setTimeout(() => {
      soon = null;
      lookUp(shown);
    }, 150);
  });
}

function render(customer) {
  const { lifecycle, churn, value } = customer;
  return [
    element(
      "div",
      { class: "person" },
      element("strong", {}, `${customer.traits.name || customer.customer_id}`),
      element("span", { class: "chip" }, lifecycle.stage),
      (customer.traits.name || customer.customer_id) === customer.customer_id
        ? null
        : element("span", { class: "quiet" }, customer.customer_id),
    ),
    element(
      "dl",
      { class: "facts" },
      fact("Last seen", moment(lifecycle.last_seen)),
      fact("First seen", moment(lifecycle.first_seen)),
      fact("Events", String(lifecycle.events)),
      fact("Purchases", String(lifecycle.purchases)),
      fact("Spend", money(value.spend)),
      fact("Average order", money(value.average_order)),
      churn.p_alive === null ? null : fact("Still a customer", ...alive(churn)),
      churn.deadline ? fact(new Date(churn.deadline) > new Date() ? "At risk from" : "At risk since", moment(churn.deadline)) : null,
    ),
    section("Dialogues", Object.entries(customer.dialogues).map(([topic, dialogue]) =>
      ladder(topic, dialogue, changed(before[topic], dialogue)))),
    list("Next offers", customer.next_offers, (offer) => [element("b", {}, offer.topic), ` ${offer.reason}`]),
    list("Recent triggers", customer.recent_triggers, (sent) => [
      element("small", {}, moment(sent.decided_at), " "),
      sent.reason ?? element("span", { class: "quiet" }, `${sent.type} ${sent.topic ?? ""} held back: ${sent.suppressed_by}`),
    ]),
    element("div", { class: "lists" }, [
      list("Waiting for", customer.deadlines, (pending) => [`${pending.rule}: `, moment(pending.due)]),
      list("Traits", Object.entries(customer.traits), ([name, trait]) => [
        element("small", {}, `${name} `), trait === null ? "–" : String(trait),
      ]),
      list("Consent", Object.entries(customer.consent), ([channel, given]) => [`${channel}: ${given ? "yes" : "no"}`]),
      list("Also known as", customer.identities, (identity) => [
        identity.id, identity.merged ? null : element("small", {}, " (being merged)"),
      ]),
    ].filter(Boolean)),
    element("details", {}, element("summary", {}, "As JSON"), element("pre", { tabindex: 0 }, JSON.stringify(customer, null, 2))),
  ].filter(Boolean);
}

function fact(name, ...content) {
  return element("div", {}, element("dt", {}, name), element("dd", {}, content));
}

function alive(churn) {
  const percent = `${Math.round(churn.p_alive * 100)} %`;
  return [
    `${percent} `,
    element("small", {}, churn.model === "fitted" ? "" : "default model"),
    element("meter", {
      min: 0, max: 1, value: churn.p_alive, low: churn.threshold ?? 0.5, optimum: 1, "aria-label": `Probability ${percent}`,
    }),
  ];
}

function money(amounts) {
  return Object.entries(amounts).map(([currency, amount]) => `${amount} ${currency}`.trim()).join(", ") || "–";
}

function section(title, content) {
  return content.length ? element("section", {}, element("h3", {}, title), content) : null;
}

function list(title, items, line) {
  if (!items.length) return null;
  return section(title, [element("ul", { class: "plain" }, items.map((item) => element("li", {}, line(item))))]);
}

function changed(earlier, dialogue) {
  if (!earlier) return new Set();
  return new Set(Object.keys(dialogue.stages).filter((stage) => earlier.stages[stage]?.count !== dialogue.stages[stage].count));
}
