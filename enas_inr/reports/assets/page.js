"use strict";

// Tables that are sorted by their headers.
for (const table of document.querySelectorAll("table[data-sortable]")) {
  const body = table.tBodies[0];
  const headers = [...table.tHead.rows[0].cells];
  const original = [...body.rows];
  headers.forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => {
      const numeric = header.classList.contains("number");
      const turns = numeric
        ? { none: "descending", descending: "ascending", ascending: "none" }
        : { none: "ascending", ascending: "descending", descending: "none" };
      const order = turns[header.getAttribute("aria-sort") || "none"];
      for (const other of headers) other.removeAttribute("aria-sort");
      if (order !== "none") header.setAttribute("aria-sort", order);
      body.append(...sorted(original, column, numeric, order));
    });
  });
}

function sorted(rows, column, numeric, order) {
  if (order === "none") return rows;
  const sign = order === "ascending" ? 1 : -1;
  const value = (row) => row.cells[column].dataset.value;
  return [...rows].sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    if (x === undefined || y === undefined) return (x === undefined) - (y === undefined);
    return sign * (numeric ? x - y : x.localeCompare(y, undefined, { numeric: true }));
  });
}

// Pictures that are enlarged: wheel, pinch, drag, keys.
const box = document.getElementById("lightbox");
if (box) lightbox(box);

function lightbox(dialog) {
  const stage = dialog.querySelector(".stage");
  const image = stage.querySelector("img");
  const name = dialog.querySelector("#lightbox-name");
  const toggle = dialog.querySelector("[data-do=error]");
  const pointers = new Map();
  let shown = [];
  let index = 0;
  let wrong = false;
  let view = { scale: 1, x: 0, y: 0 };

  for (const group of document.querySelectorAll(".pictures")) {
    const buttons = [...group.querySelectorAll(".gallery button")];
    buttons.forEach((button, at) => {
      button.addEventListener("click", () => {
        shown = buttons;
        wrong = group.querySelector(".as-error").checked;
        dialog.showModal();
        show(at);
        fit();
      });
    });
  }

  function show(at) {
    const before = image.naturalWidth;
    index = (at + shown.length) % shown.length;
    const button = shown[index];
    const error = button.querySelector(".error");
    const source = wrong && error ? error : button.querySelector(".picture");
    image.src = source.src;
    image.alt = source.alt;
    toggle.disabled = !error;
    toggle.setAttribute("aria-pressed", String(Boolean(wrong && error)));
    name.textContent = `${source.alt}, ${button.dataset.detail}`;
    image.decode().then(() => before !== image.naturalWidth && fit(), () => {});
  }

  function fit() {
    const { clientWidth: width, clientHeight: height } = stage;
    const scale = 0.96 * Math.min(width / image.naturalWidth, height / image.naturalHeight);
    if (!Number.isFinite(scale)) return;
    view = {
      scale,
      x: (width - scale * image.naturalWidth) / 2,
      y: (height - scale * image.naturalHeight) / 2,
    };
    place();
  }

  function place() {
    image.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
  }

  function zoom(factor, x = stage.clientWidth / 2, y = stage.clientHeight / 2) {
    const scale = Math.min(Math.max(view.scale * factor, 0.1), 80);
    const ratio = scale / view.scale;
    view = { scale, x: x - ratio * (x - view.x), y: y - ratio * (y - view.y) };
    place();
  }

  function pan(dx, dy) {
    view = { ...view, x: view.x + dx, y: view.y + dy };
    place();
  }

  const actions = {
    previous: () => show(index - 1),
    next: () => show(index + 1),
    error: () => { wrong = !wrong; show(index); },
    in: () => zoom(1.4),
    out: () => zoom(1 / 1.4),
    fit,
    close: () => dialog.close(),
  };
  for (const button of dialog.querySelectorAll("[data-do]")) {
    button.addEventListener("click", () => actions[button.dataset.do]());
  }
  const keys = { "+": "in", "=": "in", "-": "out", 0: "fit", e: "error", ArrowLeft: "previous", ArrowRight: "next" };
  dialog.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
    event.preventDefault();
    actions[keys[event.key]]();
  });
  dialog.addEventListener("close", () => {
    pointers.clear();
    shown[index]?.focus();
  });
  window.addEventListener("resize", () => dialog.open && fit());

  function local(event) {
    const edge = stage.getBoundingClientRect();
    return { x: event.clientX - edge.left, y: event.clientY - edge.top };
  }

  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    const at = local(event);
    zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.002)), at.x, at.y);
  }, { passive: false });
  stage.addEventListener("pointerdown", (event) => {
    stage.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, local(event));
  });
  stage.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const now = local(event);
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    pointers.set(event.pointerId, now);
    if (!other) {
      pan(now.x - before.x, now.y - before.y);
      return;
    }
    const distance = (point) => Math.max(Math.hypot(point.x - other.x, point.y - other.y), 1);
    zoom(distance(now) / distance(before), (now.x + other.x) / 2, (now.y + other.y) / 2);
    pan((now.x - before.x) / 2, (now.y - before.y) / 2);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    stage.addEventListener(end, (event) => pointers.delete(event.pointerId));
  }
}
