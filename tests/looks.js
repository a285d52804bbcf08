// What is broken in the page as it stands, told in sentences. Runs in the browser (tests/looks.py).
({ charactersInALine }) => {
  const found = new Set();
  const root = document.documentElement;
  const width = root.clientWidth;

  // --- What the checks go by ----------------------------------------------------------------

  const tell = (element) => {
    const names = [...element.classList].map((name) => `.${name}`).join("");
    const words = (element.textContent || element.value || "").replace(/\s+/g, " ").trim();
    return `<${element.localName}${element.id ? `#${element.id}` : ""}${names}> “${words.slice(0, 60)}”`;
  };
  const styles = new Map();
  const style = (element) => {
    if (!styles.has(element)) styles.set(element, getComputedStyle(element));
    return styles.get(element);
  };
  const isSeen = (element) =>
    element.checkVisibility({ visibilityProperty: true, opacityProperty: true, contentVisibilityAuto: true });
  const above = function* (element) {
    for (let each = element.parentElement; each; each = each.parentElement) yield each;
  };
  // For screen readers alone: a box of a pixel, or one that is clipped away
  const isForReaders = (element) => {
    const { clip, clipPath, position } = style(element);
    return position === "absolute" && (clip !== "auto" || clipPath !== "none");
  };
  const hidden = new Map();
  const isAside = (element) => {
    if (!element || element === document.body) return false;
    if (!hidden.has(element)) {
      hidden.set(element, isForReaders(element) || isAside(element.parentElement));
    }
    return hidden.get(element);
  };
  const scrolls = (element) => /auto|scroll/.test(style(element).overflowX);
  const clips = (element) => /hidden|clip/.test(style(element).overflowX);
  const isOpaque = (color) => !/^rgba\(.*, 0\)$|^transparent$/.test(color);

  const all = [...document.body.querySelectorAll("*")].filter(
    (element) =>
      !element.closest("svg *, option, noscript, script, style, template, #djDebug, .skip-to-content-link") &&
      isSeen(element) &&
      !isAside(element),
  );
  const controls = all.filter((element) =>
    element.matches("button, input:not([type=hidden]), select, textarea, a.button, svg, img, progress, .badge"),
  );
  // Each line of each run of text, with the element that it stands in; and each paragraph
  const lines = [];
  const prose = new Map();
  for (const element of all) {
    if (element.matches("select, textarea, svg, datalist")) continue;
    for (const node of element.childNodes) {
      if (node.nodeType !== Node.TEXT_NODE || !node.data.trim()) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      let block = element;
      while (style(block).display.startsWith("inline") && block.parentElement) block = block.parentElement;
      if (!prose.has(block)) prose.set(block, { characters: 0, bottoms: new Set() });
      const { bottoms } = prose.get(block);
      prose.get(block).characters += node.data.replace(/\s+/g, " ").trim().length;
      for (const box of range.getClientRects()) {
        if (box.width <= 1 || box.height <= 1) continue;
        lines.push({ element, box });
        bottoms.add(Math.round(box.bottom / 8));
      }
    }
  }

  // --- Wider than the window, or out of it --------------------------------------------------

  const excess = root.scrollWidth - window.innerWidth;
  if (excess > 0) found.add(`${excess} px wider than the window`);

  for (const { element, box } of [
    ...lines,
    ...controls.map((element) => ({ element, box: element.getBoundingClientRect() })),
  ]) {
    if (box.right <= width + 1 && box.left >= -1) continue;
    if ([...above(element)].some((each) => scrolls(each) && each !== document.body)) continue;
    found.add(`out of the window: ${tell(element)}`);
  }

  // --- Cut off, or hanging out of its box ---------------------------------------------------

  // What may move sideways: tables of many columns, where a row cannot be told as a card.
  const MAY_SCROLL = ".tabs, .comparison, .differences, .preview, .results, .rows, .customer-section, .inline-group, .agents";
  for (const element of all) {
    if (element.scrollWidth <= element.clientWidth + 1 || !element.clientWidth) continue;
    if (element.matches("input, select, textarea, body, html")) continue;
    const isLeft = style(element).textOverflow === "ellipsis";
    if (clips(element) && !isLeft) {
      const cut = lines.some(({ element: inner, box }) => {
        const outer = element.getBoundingClientRect();
        return element.contains(inner) && (box.right > outer.right + 1 || box.left < outer.left - 1);
      });
      if (cut) found.add(`cut off: ${tell(element)}`);
    }
    if (scrolls(element) && !element.matches(MAY_SCROLL) && !element.querySelector(MAY_SCROLL)) {
      found.add(`scrolls sideways: ${tell(element)}`);
    }
  }

  const BOXES = ".button, button, .badge, .card, .stat, .note, .module, .messagelist li, .checks > li, td, th, dd, dt, h1, h2, h3, label, p";
  for (const { element, box } of lines) {
    const outer = element.closest(BOXES);
    if (!outer || isAside(outer)) continue;
    if (scrolls(element) || (outer !== element && [...above(element)].some((each) => outer.contains(each) && scrolls(each)))) continue;
    if (style(outer).display.startsWith("inline") && !outer.matches(".button, .badge, button")) continue;
    if (style(element).textOverflow === "ellipsis") continue;
    if ([...above(element)].some((each) => outer.contains(each) && /absolute|fixed/.test(style(each).position))) continue;
    const around = outer.getBoundingClientRect();
    if (box.right > around.right + 2 || box.left < around.left - 2) {
      found.add(`hangs out of <${outer.localName} ${outer.className}>: ${tell(element)}`);
    }
  }

  // --- One over the other -------------------------------------------------------------------

  const floats = (element) =>
    /sticky|fixed|absolute/.test(style(element).position) ||
    [...above(element)].some((each) => /sticky|fixed|absolute/.test(style(each).position));
  // What a name in a menu leaves out is not there.
  const shown = ({ element, box }) => {
    const outer = [element, ...above(element)].find((each) => style(each).textOverflow === "ellipsis");
    if (!outer) return { element, box };
    const { left, right } = outer.getBoundingClientRect();
    const from = Math.max(box.left, left);
    return { element, box: new DOMRect(from, box.top, Math.min(box.right, right) - from, box.height) };
  };
  const items = [
    ...lines.map(shown),
    ...controls
      .filter((element) => !element.matches(".badge, progress"))
      .map((element) => ({ element, box: element.getBoundingClientRect() })),
  ]
    .filter(({ box }) => box.width > 2 && box.height > 2)
    .map(({ element, box }) => {
      // The letters themselves are lower than their line.
      const quarter = box.height / 4;
      return { element, left: box.left + 1, right: box.right - 1, top: box.top + quarter, bottom: box.bottom - quarter };
    })
    .sort((a, b) => a.top - b.top);
  for (let i = 0; i < items.length; i += 1) {
    const one = items[i];
    for (let j = i + 1; j < items.length && items[j].top < one.bottom; j += 1) {
      const other = items[j];
      if (one.left >= other.right || other.left >= one.right) continue;
      if (one.element.contains(other.element) || other.element.contains(one.element)) continue;
      if (floats(one.element) || floats(other.element)) continue;
      if ([...above(one.element)].some((each) => scrolls(each)) !== [...above(other.element)].some((each) => scrolls(each))) continue;
      found.add(`overlap: ${tell(one.element)} and ${tell(other.element)}`);
    }
  }

  // --- A number or picture far from its words -------------------------------------------------

  for (const mark of all) {
    if (!mark.matches("main :is(svg.icon, .step-number)")) continue;
    const next = mark.nextElementSibling;
    if (mark.previousElementSibling || !next || isAside(next) || !isSeen(next)) continue;
    if (!/grid|flex/.test(style(mark.parentElement).display)) continue;
    if (style(mark.parentElement).flexDirection === "column") continue;
    const [here, there] = [mark.getBoundingClientRect(), next.getBoundingClientRect()];
    if (there.left - here.right > 48 || there.top > here.bottom) {
      found.add(`a mark is far from its words: ${tell(mark.parentElement)}`);
    }
  }

  // --- Backgrounds that no one chose ----------------------------------------------------------

  const behind = (element) => {
    for (const each of [element, ...above(element)]) {
      if (isOpaque(style(each).backgroundColor)) return style(each).backgroundColor;
    }
    return "";
  };
  for (const element of all) {
    if (!/grid|flex/.test(style(element).display) || !element.matches("main *")) continue;
    const color = style(element).backgroundColor;
    const children = [...element.children].filter((child) => child.getBoundingClientRect().width);
    const gaps = [style(element).columnGap, style(element).rowGap].map((gap) => parseFloat(gap) || 0);
    if (!isOpaque(color) || !children.length) continue;
    // Only where the children lie on the color, so that it shows as lines between them
    if (!children.every((child) => isOpaque(style(child).backgroundColor))) continue;
    if (!gaps.some((gap) => gap > 0 && gap <= 4)) continue;
    if (color === behind(element.parentElement)) continue;
    const area = children.reduce((sum, child) => {
      const box = child.getBoundingClientRect();
      return sum + (box.width + gaps[0]) * (box.height + gaps[1]);
    }, 0);
    const { width: w, height: h } = element.getBoundingClientRect();
    if (w * h - area > 400 && w * h > area * 1.05) found.add(`an empty cell shows the color of the gaps: ${tell(element)}`);
  }
  const bar = document.querySelector("#header");
  for (const element of bar ? all : []) {
    if (!element.matches("main :is(h1, h2, h3, h4, caption, legend, p, li, dt, dd, td, th, label)")) continue;
    if (style(element).backgroundColor === style(bar).backgroundColor) {
      found.add(`the color of the header behind ${tell(element)}`);
    }
  }

  // --- As wide as the window, or as narrow as a letter ----------------------------------------------------

  for (const [block, { characters, bottoms }] of prose) {
    if (!block.matches("main, main *, dialog *") || block.closest("pre, code")) continue;
    const most = characters / Math.max(bottoms.size, 1);
    if (bottoms.size > 1 && most < 1.6) found.add(`a letter in a line: ${tell(block)}`);
    if (most > charactersInALine) found.add(`${Math.round(most)} characters in a line: ${tell(block)}`);
  }
  for (const element of controls) {
    if (element.matches("main :is(button, .button, input, select, textarea)")) {
      const { width: wide } = element.getBoundingClientRect();
      if (wide > 800) found.add(`${Math.round(wide)} px wide: ${tell(element)}`);
    }
  }
  return [...found];
}
