"use strict";
// Paint a view without WebGL: blocks of 8 pixels first, then every pixel, for some time in a frame.

const FRAME = 25; // milliseconds of work between two frames

class SoftwarePainter {
  constructor(canvas, network, original) {
    Object.assign(this, { canvas, network, original });
    this.name = "JavaScript";
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    this.position = new Float64Array(network.axes);
    this.value = new Float64Array(network.channels);
  }

  begin(view) {
    this.view = view;
    this.image = this.context.createImageData(this.canvas.width, this.canvas.height);
    this.block = 8;
    this.row = 0;
    view.fixedAt.slice(0, this.network.axes).forEach((at, axis) => (this.position[axis] = at));
  }

  step() {
    const { image, view } = this;
    const until = performance.now() + FRAME;
    while (this.block > 0 && performance.now() < until) {
      const factor = this.block > 1 ? 1 : view.factor;
      for (let column = 0; column < image.width; column += this.block) {
        this.fill(column, this.row, this.block, this.shade(column, this.row, this.block, factor));
      }
      this.row += this.block;
      if (this.row >= image.height) [this.block, this.row] = [this.block > 1 ? 1 : 0, 0];
    }
    this.context.putImageData(image, 0, 0);
    return this.block > 0;
  }

  fill(column, row, block, shade) {
    const { width, height, data } = this.image;
    for (let r = row; r < Math.min(row + block, height); r++) {
      for (let c = column; c < Math.min(column + block, width); c++) data.set(shade, 4 * (r * width + c));
    }
  }

  // The colour of a block: red, green, blue and alpha from 0 to 255.
  shade(column, row, block, factor) {
    const { network, view, original } = this;
    const { across, down } = view;
    const pixel = 1 / view.zoom;
    const [x, y] = [view.x + (column + block / 2) * pixel, view.y + (row + block / 2) * pixel];
    const [width, height] = [network.shape[across], network.shape[down]];
    if (x < 0 || y < 0 || x >= width || y >= height) return [0, 0, 0, 0];
    let known = null;
    if (original) {
      const at = 4 * (Math.floor((y / height) * original.height) * original.width +
        Math.floor((x / width) * original.width));
      known = original.data.subarray(at, at + 4);
    }
    let shade;
    if (known && column < view.split) {
      shade = [...known];
    } else {
      shade = this.colourOf(column, row, block, factor);
      if (view.error && known) {
        const off = max(...[0, 1, 2].map((c) => abs(shade[c] - known[c]))) / 255;
        const much = min(8 * off, 1);
        shade = [0, 1, 2].map((c) => 255 * min(max(3 * much - c, 0), 1)).concat(255);
      }
    }
    if (view.cells && this.onBorder(x, y, pixel * block)) {
      return [255, 217, 26].map((part, c) => 0.75 * part + 0.25 * shade[c]).concat(255);
    }
    return shade;
  }

  onBorder(x, y, pixel) {
    const { network, view } = this;
    const [across, down] = [view.across, view.down];
    const below = [
      x - network.edge(across, network.owner(across, x - 0.5)),
      y - network.edge(down, network.owner(down, y - 0.5)),
    ];
    return min(...below) < pixel && x > pixel && y > pixel;
  }

  // The mean over the area of a block.
  colourOf(column, row, block, factor) {
    const { network, view, position, value } = this;
    value.fill(0);
    for (let r = 0; r < factor; r++) {
      for (let c = 0; c < factor; c++) {
        position[view.across] = view.x + (column + (block * (c + 0.5)) / factor) / view.zoom - 0.5;
        position[view.down] = view.y + (row + (block * (r + 0.5)) / factor) / view.zoom - 0.5;
        const found = network.at(position, view.blend);
        for (let k = 0; k < value.length; k++) value[k] += found[k];
      }
    }
    const levels = Array.from(value, (v) =>
      255 * min(max((v / (factor * factor)) * 0.5 + 0.5, 0), 1));
    if (levels.length === 1) return [levels[0], levels[0], levels[0], 255];
    if (levels.length === 2) return [levels[0], levels[0], levels[0], levels[1]];
    return levels.length === 4 ? levels : [...levels.slice(0, 3), 255];
  }

  pixels() {
    const { width, height } = this.canvas;
    return new Uint8Array(this.context.getImageData(0, 0, width, height).data.buffer);
  }
}
