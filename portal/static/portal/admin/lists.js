// Names each cell of a list by its column, for narrow screens, where rows are shown as cards.
for (const table of document.querySelectorAll("#result_list")) {
  const names = [...table.querySelectorAll("thead th")].map((head) => head.textContent.trim());
  for (const row of table.querySelectorAll("tbody tr")) {
    [...row.children].forEach((cell, place) => {
      if (cell.tagName === "TD") cell.dataset.label = names[place];
    });
  }
}
