// Choosing agents: the tick that takes a whole page, how many are chosen, and all that match.
// Without this the ticks and buttons work just the same; the dialogs count for themselves.
"use strict";

// A button that is disabled loses the focus, and the keyboard would start from the top again.
function keepFocus(section) {
  section.tabIndex = -1;
  section.focus({ preventScroll: true });
}

function refreshSelection(form) {
  const ticks = [...form.querySelectorAll("input[name=ids]")];
  const page = form.querySelector("[data-select-page]");
  const all = form.querySelector("[data-select-all-matching]");
  if (!all) return;
  const chosen = ticks.filter((tick) => tick.checked).length;
  page.hidden = false;
  page.checked = all.checked || (chosen > 0 && chosen === ticks.length);
  page.indeterminate = !page.checked && chosen > 0;
  for (const tick of ticks) tick.disabled = all.checked;
  const count = form.querySelector("[data-selection-count]");
  const { none, some, all: every } = count.dataset;
  count.textContent = all.checked ? every : chosen ? some.replace("%s", chosen) : none;
  const isNone = !all.checked && !chosen;
  form.querySelector(".bulk").classList.toggle("has-some", !isNone);
  for (const button of form.querySelectorAll(".bulk button")) {
    if (isNone && button === document.activeElement) keepFocus(form.closest("section"));
    button.disabled = isNone;
  }
}

function refreshAll() {
  for (const form of document.querySelectorAll("[data-selection]")) refreshSelection(form);
}

document.addEventListener("change", (event) => {
  const form = event.target.closest("[data-selection]");
  if (!form) return;
  if (event.target.matches("[data-select-page]")) {
    const all = form.querySelector("[data-select-all-matching]");
    if (!event.target.checked) all.checked = false;
    for (const tick of form.querySelectorAll("input[name=ids]")) tick.checked = event.target.checked;
  }
  refreshSelection(form);
});

document.addEventListener("htmx:afterSettle", refreshAll);
window.addEventListener("pageshow", refreshAll);
refreshAll();
