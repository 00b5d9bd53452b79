import { clearPanel, startPanel } from "/demo/assets/panel.js";
import { flush, forget, identify, page, track, user, visitor } from "/demo/assets/tracker.js";

const CURRENCY = "EUR";
const product = document.querySelector("[data-product]")?.dataset;

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
  document.getElementById("visitor").textContent = visitor();
}

on("add-to-cart", () => {
  track("Product Added", item());
  done("It is in your cart.");
});
on("to-checkout", () => track("Checkout Started", { value: Number(product.price), currency: CURRENCY, products: [item()] }));
on("complete-order", () => {
  track("Order Completed", {
    order_id: `demo-${Date.now()}`, total: Number(product.price), currency: CURRENCY, products: [item()],
  });
  done("Thank you. Your order is on its way.");
});
on("log-out", () => {
  forget();
  clearPanel();
  showWho();
});
document.getElementById("log-in").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = document.getElementById("user-id").value.trim();
  if (!name) return;
  identify(name, { name });
  showWho();
});

showWho();
startPanel();
page();
flush();
