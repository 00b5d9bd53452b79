import { clearPanel, startPanel } from "/demo/assets/panel.js";

// The shop speaks to the tracker as any site does: `daehwa`, out of /daehwa.js.
const NAME = "shop.name";
const CURRENCY = "EUR";
const product = document.querySelector("[data-product]")?.dataset;

const user = () => localStorage.getItem(NAME);

// The panel beside the shop measures how long it takes until it sees this.
function tell(type, ...what) {
  daehwa[type](...what);
  document.dispatchEvent(new CustomEvent("tracked", { detail: { type } }));
}

function item() {
  return {
    product_id: product.product, category: product.product, name: product.title,
    price: Number(product.price), quantity: 1, currency: CURRENCY,
  };
}

function done(text) {
  document.getElementById("done").textContent = text;
}

function on(id, what) {
  document.getElementById(id)?.addEventListener("click", what);
}

function showWho() {
  document.getElementById("log-in").hidden = Boolean(user());
  document.getElementById("logged-in").hidden = !user();
  document.getElementById("logged-in-as").textContent = user() ?? "";
  document.getElementById("visitor").textContent = daehwa.anonymousId() || "unknown";
}

on("add-to-cart", () => {
  tell("track", "Product Added", item());
  done("It is in your cart.");
});
on("to-checkout", () => tell("track", "Checkout Started", { value: Number(product.price), currency: CURRENCY, products: [item()] }));
on("complete-order", () => {
  tell("track", "Order Completed", {
    order_id: `demo-${Date.now()}`, total: Number(product.price), currency: CURRENCY, products: [item()],
  });
  done("Thank you. Your order is on its way.");
});
on("log-out", () => {
  localStorage.removeItem(NAME);
  daehwa.reset();
  clearPanel();
  showWho();
});
document.getElementById("log-in").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = document.getElementById("user-id").value.trim();
  if (!name) return;
  localStorage.setItem(NAME, name);
  tell("identify", name, { name });
  showWho();
});

showWho();
startPanel();
tell("page");
