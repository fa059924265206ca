// Copy and download buttons stay hidden until this runs: without it nothing is promised.
const textOf = (element) => ("value" in element ? element.value : element.textContent).trim();

function tell(button, words) {
  const before = button.textContent;
  button.textContent = words;
  setTimeout(() => { button.textContent = before; }, 2000);
}

function offerCopying(button) {
  const source = document.getElementById(button.dataset.copy);
  button.hidden = false;
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(textOf(source));
      tell(button, button.dataset.copied ?? "Copied");
    } catch {
      // No clipboard without https: leave the text selected, so that one keystroke copies it.
      if (source.select) source.select();
      else getSelection().selectAllChildren(source);
      tell(button, button.dataset.press ?? "Press Ctrl+C");
    }
  });
}

function offerDownload(button) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const parts = document.querySelectorAll("[data-secret]");
    const text = parts.length === 1
      ? textOf(parts[0])
      : JSON.stringify(Object.fromEntries([...parts].map((part) => [part.dataset.secret, textOf(part)])), null, 2);
    const url = URL.createObjectURL(new Blob([text + "\n"], { type: "application/octet-stream" }));
    const link = document.createElement("a");
    link.href = url;
    link.download = button.dataset.download;
    link.click();
    URL.revokeObjectURL(url);
  });
}

function offer() {
  document.querySelectorAll("button[data-copy][hidden]").forEach(offerCopying);
  document.querySelectorAll("button[data-download][hidden]").forEach(offerDownload);
}

offer();
document.addEventListener("htmx:afterSwap", offer);
