// Puts a form where the script stands. What led the visitor here goes along; nothing else is read.
(() => {
  const script = document.currentScript;
  const base = new URL(script.src);
  const key = "FORM";
  const address = new URL(base.pathname.replace(/\/embed\.js$/, ""), base);
  for (const [name, value] of new URLSearchParams(location.search)) {
    if (/^utm_(source|medium|campaign|content|term)$/.test(name)) address.searchParams.set(name, value.slice(0, 500));
  }
  address.searchParams.set("landing", location.href.slice(0, 500));
  if (document.referrer) address.searchParams.set("referrer", document.referrer.slice(0, 500));
  const frame = document.createElement("iframe");
  frame.src = address.href;
  frame.title = script.dataset.title || "Form";
  frame.style.cssText = "width:100%;border:0;min-height:32rem;display:block";
  frame.setAttribute("loading", "lazy");
  script.after(frame);
  addEventListener("message", (event) => {
    const told = event.data;
    if (event.source !== frame.contentWindow || event.origin !== address.origin || !told || told.form !== key) return;
    if (Number.isFinite(told.height)) frame.style.height = `${Math.min(Math.max(told.height, 100), 5000)}px`;
  });
})();
