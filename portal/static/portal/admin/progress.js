// Keeps an operation's progress up to date without loading the page again; stops when it has ended.
const panel = document.querySelector("[data-live]");

async function page(url) {
  const answer = await fetch(url, { credentials: "same-origin", cache: "no-store" });
  if (answer.redirected || answer.status === 403 || answer.status === 404) return null; // signed out meanwhile
  if (!answer.ok) throw new Error(answer.status);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

// Only what changed is replaced, so that screen readers are told of changes and nothing else.
function put(fresh, attribute) {
  for (const part of document.querySelectorAll(`[${attribute}]`)) {
    const other = fresh.querySelector(`[${attribute}="${part.getAttribute(attribute)}"]`);
    if (other && other.innerHTML !== part.innerHTML) part.innerHTML = other.innerHTML;
  }
}

function tell(text) {
  panel.querySelector('[data-part="headline"]').textContent = text;
}

async function look() {
  let pause = Number(panel.dataset.pause);
  try {
    if (!document.hidden) {
      const fresh = await page(panel.dataset.live);
      if (!fresh) return tell("You are signed out, or may not see this any more. Load the page again.");
      put(fresh, "data-part");
      const now = fresh.querySelector("[data-live]");
      if (now.hasAttribute("data-ended")) {
        const whole = await page(location.href);
        if (whole) put(whole, "data-fresh");
        return panel.setAttribute("data-ended", "");
      }
      panel.dataset.pause = pause = Number(now.dataset.pause);
    }
  } catch {
    tell("The portal does not answer; trying again.");
    pause = 5000;
  }
  setTimeout(look, pause);
}

if (!panel.hasAttribute("data-ended")) setTimeout(look, Number(panel.dataset.pause));
