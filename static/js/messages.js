// Messages stay in view while one scrolls (console.css). This puts them back to their place at the
// top of the page: plain ones after a while, others, such as one that can be undone, when they are
// dismissed. Without it, all of them stay in view.
const SECONDS_IN_VIEW = 12;
const messages = document.getElementById("messages");
const page = document.getElementById("content-start");
// What one may still want to act on or must not miss
const LASTING = "li:is(.error, .warning), li :is(a, form)";
let timer = 0;

function follow() {
  clearTimeout(timer);
  messages.classList.remove("settled");
  if (messages.querySelector(LASTING)) return;
  timer = setTimeout(() => messages.classList.add("settled"), SECONDS_IN_VIEW * 1000);
}

if (messages) {
  follow();
  new MutationObserver(follow).observe(messages, { childList: true });
  new ResizeObserver(() => {
    const height = `${messages.offsetHeight}px`;
    document.documentElement.style.setProperty("--messages-height", height);
  }).observe(messages);
  messages.addEventListener("click", (event) => {
    const button = event.target.closest("[data-message-dismiss]");
    if (!button) return;
    const list = button.closest("ul");
    button.closest("li").remove();
    if (!list.children.length) list.remove();
    page.focus({ preventScroll: true });
  });
}
