"use strict";
// A picture, or a slice of a volume: what part of it is shown, and when it is painted.

const LEAST_ZOOM = 1 / 16;
const MOST_ZOOM = 512; // pixels of a sample
const MOST_FACTOR = 8; // evaluations of a pixel along each direction

class PictureView {
  constructor(canvas, network, original, painter, onChange) {
    Object.assign(this, { canvas, network, original, painter, onChange });
    const last = network.axes - 1;
    this.state = {
      x: 0, y: 0, zoom: 1, across: last, down: last - 1, fixedAt: [0, 0, 0], split: 0,
      blend: false, cells: false, error: false,
    };
    network.shape.forEach((n, axis) => (this.state.fixedAt[axis] = Math.floor(n / 2)));
    this.sides = Boolean(original);
    this.share = 0.5;
    this.painting = 0;
    this.done = false;
  }

  get size() {
    const { shape } = this.network;
    return [shape[this.state.across], shape[this.state.down]];
  }

  get slicedAxis() {
    return [0, 1, 2].find((axis) => axis !== this.state.across && axis !== this.state.down);
  }

  // Show the plane across one axis of a volume.
  slice(axis) {
    [this.state.down, this.state.across] = [0, 1, 2].filter((other) => other !== axis);
    this.whole();
  }

  whole() {
    const [width, height] = this.size;
    const { canvas } = this;
    const zoom = min(canvas.width / width, canvas.height / height);
    this.show({
      zoom: min(max(zoom, LEAST_ZOOM), MOST_ZOOM),
      x: (width - canvas.width / zoom) / 2,
      y: (height - canvas.height / zoom) / 2,
    });
  }

  resized() {
    this.whole();
  }

  move(right, down) {
    this.show({ x: this.state.x + right / this.state.zoom, y: this.state.y + down / this.state.zoom });
  }

  // Zoom by a factor, so that the sample at a pixel of the canvas stays where it is.
  zoomBy(factor, column = this.canvas.width / 2, row = this.canvas.height / 2) {
    const { x, y, zoom } = this.state;
    const next = min(max(zoom * factor, LEAST_ZOOM), MOST_ZOOM);
    this.show({ zoom: next, x: x + column / zoom - column / next, y: y + row / zoom - row / next });
  }

  show(changes) {
    Object.assign(this.state, changes);
    const [width, height] = this.size;
    const { canvas, state } = this;
    state.x = min(max(state.x, -canvas.width / state.zoom + 1), width - 1);
    state.y = min(max(state.y, -canvas.height / state.zoom + 1), height - 1);
    this.paint();
  }

  paint() {
    const { state, canvas } = this;
    const view = {
      ...state,
      fixedAt: [...state.fixedAt],
      factor: min(MOST_FACTOR, max(1, Math.ceil(Number((1 / state.zoom).toFixed(9))))),
      split: this.sides ? Math.round(this.share * canvas.width) : 0,
    };
    this.done = false;
    const number = ++this.painting;
    const next = () => {
      if (number !== this.painting) return;
      if (this.started !== number) {
        this.started = number;
        this.painter.begin(view);
      }
      if (this.painter.step()) requestAnimationFrame(next);
      else this.done = true;
    };
    requestAnimationFrame(next);
    this.onChange();
  }

  status() {
    const { x, y, zoom } = this.state;
    const middle = [x + this.canvas.width / 2 / zoom, y + this.canvas.height / 2 / zoom];
    return `${zoom >= 10 ? Math.round(zoom) : zoom.toFixed(2)}x at ` +
      `${middle.map((at) => at.toFixed(1)).join(", ")} · ${this.painter.name}`;
  }
}
