// Carries on what the server began to count, in its words: data-days, -hours, -minutes, -soon and -over.
// Counts from the seconds that were left, so that a wrong clock doesn't matter.
const began = new WeakMap();

function words(time, seconds) {
  const minutes = Math.floor(seconds / 60), hours = Math.floor(minutes / 60), days = Math.floor(hours / 24);
  const form = seconds <= 0 ? "over" : days ? "days" : hours ? "hours" : minutes ? "minutes" : "soon";
  const values = { days, hours: hours % 24, minutes: minutes % 60 };
  return time.dataset[form].replace(/{(\w+)}/g, (_, name) => values[name]);
}

function tick() {
  for (const time of document.querySelectorAll("time[data-left]")) {
    if (!began.has(time)) began.set(time, Date.now());
    const told = words(time, time.dataset.left - Math.floor((Date.now() - began.get(time)) / 1000));
    if (time.textContent !== told) time.textContent = told;
  }
}

tick();
setInterval(tick, 1000);
