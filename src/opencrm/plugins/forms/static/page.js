// Tells the page around a frame how high the form is, so that it needs no second scroll bar; and leads to what is wrong.
(() => {
  const key = document.documentElement.dataset.form;
  const tell = () => parent.postMessage({ form: key, height: document.documentElement.offsetHeight }, "*");
  if (parent !== window && key) new ResizeObserver(tell).observe(document.documentElement);
  const wrong = document.querySelector("[role=alert]");
  if (wrong) wrong.focus();
  const form = document.querySelector("form");
  if (form) form.addEventListener("submit", () => { form.querySelector("button").disabled = true; });
})();
