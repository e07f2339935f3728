"use strict";
// Mouse, wheel, touch, keys and buttons. Positions are in pixels of the canvas.

function listenToPointers(canvas, view) {
  const held = new Map();
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    const ratio = canvas.width / box.width;
    return { x: (event.clientX - box.left) * ratio, y: (event.clientY - box.top) * ratio };
  };
  const summary = () => {
    const points = [...held.values()];
    const middle = (key) => points.reduce((sum, point) => sum + point[key], 0) / points.length;
    const spread = points.length > 1
      ? Math.hypot(points[0].x - points[1].x, points[0].y - points[1].y) : 0;
    return { x: middle("x"), y: middle("y"), spread };
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    held.set(event.pointerId, place(event));
    canvas.classList.add("held");
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!held.has(event.pointerId)) return;
    const before = summary();
    held.set(event.pointerId, place(event));
    const after = summary();
    view.move(before.x - after.x, before.y - after.y);
    if (before.spread && after.spread) view.zoomBy(after.spread / before.spread, after.x, after.y);
  });
  for (const name of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(name, (event) => {
      held.delete(event.pointerId);
      if (!held.size) canvas.classList.remove("held");
    });
  }
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const at = place(event);
    const lines = event.deltaMode === 1 ? 20 : 1;
    view.zoomBy(2 ** (-min(max(event.deltaY * lines, -200), 200) / 200), at.x, at.y);
  }, { passive: false });
}

// A button for each action; one with `pressed` can be on or off.
function makeButtons(tools, actions) {
  for (const action of actions) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = action.text;
    button.title = `${action.label} (${action.key === " " ? "space" : action.key})`;
    button.setAttribute("aria-label", action.label);
    button.setAttribute("aria-keyshortcuts", action.key === " " ? "Space" : action.key);
    const update = () => {
      if (action.pressed) button.setAttribute("aria-pressed", String(action.pressed()));
    };
    action.button = button;
    action.run = () => {
      action.act();
      update();
    };
    button.addEventListener("click", action.run);
    update();
    tools.append(button);
  }
}

function listenToKeys(view, actions) {
  document.addEventListener("keydown", (event) => {
    const { target, key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (target instanceof HTMLSelectElement) return;
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (arrows[key]) {
      if (target instanceof HTMLInputElement) return; // they move the slider
      const [right, down] = arrows[key];
      view.move((right * view.canvas.width) / 10, (down * view.canvas.height) / 10);
    } else {
      if (key === " " && target instanceof HTMLButtonElement) return; // it presses the button
      const name = key === "=" ? "+" : key.toLowerCase();
      const action = actions.find((one) => one.key === name);
      if (!action) return;
      action.run();
    }
    event.preventDefault();
  });
}

// A labelled slider; `act` is called with its value.
function makeSlider(tools, { text, most, step, value, act }) {
  const label = document.createElement("label");
  const slider = document.createElement("input");
  const shown = document.createElement("output");
  Object.assign(slider, { type: "range", min: 0, max: most, step, value });
  shown.textContent = value;
  slider.addEventListener("input", () => {
    shown.textContent = slider.value;
    act(Number(slider.value));
  });
  label.append(text, slider, shown);
  tools.append(label);
  return { slider, shown };
}
