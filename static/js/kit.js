// What the kit's components do beyond HTML. Everything works without: a menu is a <details>, the
// choice of a theme a form, and a stepper a field for numbers.

// --- Menus close when one looks elsewhere --------------------------------------------------

const openMenus = () => document.querySelectorAll("details.menu[open]");

document.addEventListener("click", (event) => {
  for (const menu of openMenus()) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of openMenus()) {
    menu.open = false;
    if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
  }
});

document.addEventListener("focusout", (event) => {
  const menu = event.target.closest("details.menu[open]");
  if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
});

// --- The theme changes without another page --------------------------------------------------

document.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-theme-form]");
  const button = event.submitter;
  if (!form || !button) return;
  event.preventDefault();
  const body = new FormData(form, button);
  document.body.classList.remove("theme-light", "theme-dark");
  document.documentElement.dataset.theme = button.value;
  for (const other of form.querySelectorAll("button[name=theme]")) {
    other.removeAttribute("aria-current");
  }
  button.setAttribute("aria-current", "true");
  fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
});

// --- Steppers: one less, one more -----------------------------------------------------------

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-step]");
  const input = button?.closest("[data-stepper]").querySelector("input");
  if (!input || input.disabled) return;
  if (button.dataset.step === "1") input.stepUp();
  else if (input.value !== "") input.stepDown();
  for (const name of ["input", "change"]) input.dispatchEvent(new Event(name, { bubbles: true }));
});
