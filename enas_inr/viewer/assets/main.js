"use strict";
// Put the page together. `?js` in its address evaluates the network without WebGL.

const byId = (name) => document.getElementById(name);
const DATA = JSON.parse(byId("data").textContent);

async function pixelsOf(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

function makePainter(canvas, network, original) {
  if (!new URLSearchParams(location.search).has("js")) {
    try {
      return [new GpuPainter(canvas, network, original), canvas];
    } catch (problem) {
      console.warn(`WebGL2 is not used: ${problem.message}`);
    }
    const fresh = canvas.cloneNode(); // a canvas keeps the kind of its first context
    canvas.replaceWith(fresh);
    return [new SoftwarePainter(fresh, network, original), fresh];
  }
  return [new SoftwarePainter(canvas, network, original), canvas];
}

function toggle(view, name, key, text, label) {
  return {
    key, text, label,
    act: () => view.show({ [name]: !view.state[name] }),
    pressed: () => view.state[name],
  };
}

function viewActions(view) {
  return [
    { key: "+", text: "+", label: "Zoom in", act: () => view.zoomBy(2) },
    { key: "-", text: "−", label: "Zoom out", act: () => view.zoomBy(0.5) },
    { key: "0", text: "Fit", label: "Show all of it", act: () => view.whole() },
    toggle(view, "cells", "c", "Cells", "Show the borders of the cells"),
    toggle(view, "blend", "b", "Blend", "Crossfade neighbouring cells"),
  ];
}

function pictureActions(view) {
  if (!view.original) return [];
  const sides = () => {
    for (const name of ["split", "seam", "left", "right"]) byId(name).hidden = !view.sides;
  };
  byId("split").addEventListener("input", (event) => {
    view.share = Number(event.target.value) / 1000;
    byId("seam").style.left = `${100 * view.share}%`;
    view.paint();
  });
  sides();
  return [
    toggle(view, "error", "e", "Error", "Show the error, eight times enlarged"),
    {
      key: "o", text: "Original", label: "Show the original beside the model",
      act: () => {
        view.sides = !view.sides;
        sides();
        view.paint();
      },
      pressed: () => view.sides,
    },
  ];
}

// Choose the axis of a volume across which it is cut, and the place.
function makeSlices(tools, view) {
  const { shape } = view.network;
  const first = view.slicedAxis;
  const choice = document.createElement("select");
  choice.setAttribute("aria-label", "Axis that the slice is across");
  shape.forEach((n, axis) => choice.add(new Option(`axis ${axis} (${n})`, axis, axis === first, axis === first)));
  tools.append(choice);
  const control = makeSlider(tools, {
    text: "Slice", most: shape[first] - 1, step: 0.25, value: view.state.fixedAt[first],
    act: (at) => {
      view.state.fixedAt[view.slicedAxis] = at;
      view.paint();
    },
  });
  choice.addEventListener("change", () => {
    view.slice(Number(choice.value));
    control.slider.max = shape[view.slicedAxis] - 1;
    control.slider.value = view.state.fixedAt[view.slicedAxis];
    control.shown.textContent = control.slider.value;
  });
}

function showFacts() {
  for (const [name, value] of DATA.facts) {
    const pair = document.createElement("div");
    for (const [tag, text] of [["dt", name], ["dd", value]]) {
      const cell = document.createElement(tag);
      cell.textContent = text;
      pair.append(cell);
    }
    byId("facts").append(pair);
  }
}

async function start() {
  showFacts();
  const network = new Network(DATA.network);
  const sound = network.axes === 1;
  const original = DATA.original ? await pixelsOf(DATA.original) : null;
  let [painter, canvas] = sound ? [null, byId("canvas")] : makePainter(byId("canvas"), network, original);
  const onChange = () => (byId("status").textContent = view.status());
  const view = sound
    ? new SoundView(canvas, network, DATA.rate ?? 44100, onChange)
    : new PictureView(canvas, network, original, painter, onChange);
  view.state.blend = DATA.blend;
  canvas.setAttribute("aria-label", `${DATA.name}, evaluated from its network`);
  const actions = [...viewActions(view), ...(sound ? [] : pictureActions(view))];
  if (sound) {
    const play = { key: " ", text: "Play", label: "Play or stop the sound" };
    play.act = () => {
      try {
        view.play(() => (play.button.textContent = "Play"));
        if (view.audio) play.button.textContent = "Stop";
      } catch (problem) {
        byId("status").textContent = `The sound cannot be played: ${problem.message}`;
      }
    };
    actions.unshift(play);
  }
  makeButtons(byId("tools"), actions);
  if (network.axes === 3) makeSlices(byId("tools"), view);
  listenToPointers(canvas, view);
  listenToKeys(view, actions);
  const named = actions.map((one) => `${one.key === " " ? "space" : one.key} ${one.label.toLowerCase()}`);
  byId("keys").textContent = `Keys: arrows move · ${named.join(" · ")}`;
  new ResizeObserver(() => {
    const box = canvas.getBoundingClientRect();
    const ratio = min(devicePixelRatio || 1, 2);
    canvas.width = max(1, Math.round(box.width * ratio));
    canvas.height = max(1, Math.round(box.height * ratio));
    view.resized();
  }).observe(canvas);
  globalThis.viewer = view;
}

start().catch((problem) => (byId("status").textContent = `The page cannot show it: ${problem.message}`));
