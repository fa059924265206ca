// A second click would take the place of the answer to the first, and that one holds the secret.
const sent = new WeakSet();

document.addEventListener("submit", (event) => {
  if (!("once" in event.target.dataset)) return;
  if (sent.has(event.target)) event.preventDefault();
  sent.add(event.target);
});
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
