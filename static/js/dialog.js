// The page's one dialog, what happens when a request fails, and what screen readers are told.
// htmx loads fragments into #dialog-content; this opens, closes, and leads the focus.
const dialog = document.getElementById("dialog");
const content = document.getElementById("dialog-content");
const announcer = document.getElementById("announcer");
const words = document.getElementById("problem-words");
const page = document.getElementById("content-start");
let opener = null;
// The answer that closes the dialog also ends in a swap, though of nothing.
let isClosing = false;

// --- Opening and closing -----------------------------------------------------------------

function lead(wanted) {
  if (!wanted) return;
  // A button that can no longer be pressed, such as one for a selection that is gone
  const element = wanted.disabled ? (wanted.closest("section") ?? page) : wanted;
  if (!element.hasAttribute("tabindex") && !element.matches("a, button, input, select, textarea")) {
    element.setAttribute("tabindex", "-1");
  }
  element.focus();
}

function show() {
  const isNew = !dialog.open;
  if (isNew) dialog.showModal();
  const fault = content.querySelector(".errornote, [aria-invalid=true]");
  const first = isNew && content.querySelector("[autofocus]");
  lead(fault || first || content.querySelector("#dialog-title"));
  if (!fault) dialog.scrollTop = 0;
}

// The opener may have been replaced meanwhile by its own successor.
function successor(element) {
  if (!element) return null;
  if (element.isConnected) return element;
  if (element.id) return document.getElementById(element.id);
  const url = element.getAttribute("href") || element.getAttribute("hx-get");
  return url && document.querySelector(`[hx-get="${CSS.escape(url)}"]`);
}

dialog.addEventListener("close", () => {
  content.replaceChildren();
  clearProblems();
  // After the swaps that came with the same answer
  setTimeout(() => lead(successor(opener) || page));
});

document.addEventListener("click", (event) => {
  if (event.target.closest("#dialog [data-dialog-close]")) {
    event.preventDefault();
    dialog.close();
  }
});

document.addEventListener("dialog:close", () => {
  isClosing = true;
  if (dialog.open) dialog.close();
  // An act without a dialog, such as one that is taken back: its button is gone with its message.
  else setTimeout(() => document.activeElement === document.body && lead(page), 50);
});

document.addEventListener("htmx:beforeRequest", (event) => {
  const { elt, target } = event.detail;
  clearProblems();
  if (target !== content) return;
  isClosing = false;
  if (!dialog.contains(elt)) opener = elt;
});

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target === content && !isClosing) show();
});

// A fault's link leads to its field, and leaves the address alone.
document.addEventListener("click", (event) => {
  const link = event.target.closest(".errornote a[href^='#']");
  if (!link) return;
  event.preventDefault();
  lead(document.getElementById(link.hash.slice(1)));
});

// A link that should open in a new tab or window is left to the browser.
document.addEventListener(
  "click",
  (event) => {
    const isModified = event.ctrlKey || event.metaKey || event.shiftKey;
    if (isModified && event.target.closest("a[hx-get]")) event.stopPropagation();
  },
  { capture: true },
);

// --- While something is under way ----------------------------------------------------------

// What was pressed and what waits for the answer say so, and nothing is sent twice. Buttons are
// not disabled: that would take the focus away, and their name from what is sent.
const BUSY = "aria-busy";
const isBusy = (element) => element?.getAttribute(BUSY) === "true";

function pressed({ elt, requestConfig }) {
  const button = requestConfig?.triggeringEvent?.submitter;
  return button ?? (elt.matches("a, button") ? elt : null);
}

function mark(elements, busy) {
  for (const element of elements) {
    if (!element) continue;
    if (busy) element.setAttribute(BUSY, "true");
    else element.removeAttribute(BUSY);
  }
}

document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  const form = detail.elt.matches("form[method=post]:not([hx-trigger])") && detail.elt;
  mark([detail.target, pressed(detail), form], true);
});

document.addEventListener("htmx:afterRequest", ({ detail }) => {
  const form = detail.elt.matches("form") && detail.elt;
  mark([detail.target, pressed(detail), form], false);
});

function refuse(event) {
  event.preventDefault();
  event.stopImmediatePropagation();
}

document.addEventListener(
  "click",
  (event) => {
    if (isBusy(event.target.closest("a, button"))) refuse(event);
  },
  { capture: true },
);

document.addEventListener(
  "submit",
  (event) => {
    if (isBusy(event.target)) refuse(event);
  },
  { capture: true },
);

// A plain form waits for the next page.
document.addEventListener("submit", (event) => {
  const { target, submitter } = event;
  if (event.defaultPrevented || target.method !== "post" || target.matches("[hx-post]")) return;
  // Once the browser has read what is sent
  setTimeout(() => mark([target, submitter], true));
});

// Coming back, nothing is under way any more.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) mark(document.querySelectorAll(`[${BUSY}=true]`), false);
});

// --- Parts of the page that are replaced --------------------------------------------------

// Who was inside such a part stays there, though the very link may be gone. Several parts can be
// replaced at the same time.
let left = null;

document.addEventListener("htmx:beforeSwap", (event) => {
  const { target } = event.detail;
  if (target !== content && target.contains(document.activeElement)) left = target;
});

document.addEventListener("htmx:afterSettle", (event) => {
  const { target, elt } = event.detail;
  if (target !== left) return;
  left = null;
  if (document.activeElement === document.body) lead(target.isConnected ? target : elt);
});

// --- What screen readers are told --------------------------------------------------------

document.addEventListener("console:announce", (event) => {
  announcer.textContent = "";
  setTimeout(() => (announcer.textContent = event.detail.text), 50);
});

// --- When a request fails ----------------------------------------------------------------

function clearProblems() {
  for (const place of document.querySelectorAll("[data-problem]")) place.replaceChildren();
}

function again(elt, triggering) {
  clearProblems();
  if (elt.matches("form")) elt.requestSubmit(triggering?.submitter ?? null);
  else if (elt.matches("a, button")) elt.click();
  else htmx.trigger(elt, triggering?.type ?? "change");
}

function problem(event, status) {
  const { elt, requestConfig } = event.detail;
  const place = document.querySelector(`[data-problem=${dialog.open ? "dialog" : "page"}]`);
  const text = words.content.cloneNode(true);
  const known = text.querySelector(`[data-status="${status}"]`);
  const kept = known ?? text.querySelector('[data-status="500"]');
  for (const other of text.querySelectorAll("[data-status]")) if (other !== kept) other.remove();
  text.querySelector("#dialog-title").removeAttribute("id");
  text.querySelector("[data-retry]").hidden = ![0, 429, 503, "database"].includes(status);
  place.replaceChildren(text);
  const on = (name, act) => place.querySelector(`[data-${name}]`).addEventListener("click", act);
  on("retry", () => again(elt, requestConfig?.triggeringEvent));
  on("reload", () => location.reload());
  on("dismiss", clearProblems);
  lead(place.querySelector("h2"));
}

// After signing in again in another tab, the page continues with the token of that session.
function renewToken(token) {
  const headers = JSON.parse(document.body.getAttribute("hx-headers"));
  document.body.setAttribute("hx-headers", JSON.stringify({ ...headers, "X-CSRFToken": token }));
  for (const input of document.querySelectorAll("input[name=csrfmiddlewaretoken]")) {
    input.value = token;
  }
}

document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = event.detail;
  const token = xhr.getResponseHeader("X-CSRFToken");
  if (token) renewToken(token);
  problem(event, xhr.getResponseHeader("X-Problem") ?? xhr.status);
});
document.addEventListener("htmx:sendError", (event) => problem(event, 0));
document.addEventListener("htmx:timeout", (event) => problem(event, 0));
