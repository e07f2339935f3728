"use strict";
// A sound: its waveform at any zoom, and playback. All samples are evaluated once, in the
// background; where a sample is wider than a pixel, the network is evaluated for each pixel.

class SoundView {
  constructor(canvas, network, rate, onChange) {
    Object.assign(this, { canvas, network, rate, onChange });
    this.context = canvas.getContext("2d");
    this.length = network.shape[0];
    this.samples = Array.from({ length: network.channels }, () => new Float32Array(this.length));
    this.ready = 0;
    this.state = { x: 0, zoom: 1, cells: false, blend: false };
    this.audio = null;
  }

  // Evaluate the samples, again if they are crossfaded or no longer are.
  render() {
    this.ready = 0;
    const run = (this.run = (this.run ?? 0) + 1);
    const position = new Float64Array(1);
    const next = () => {
      if (run !== this.run) return;
      const until = performance.now() + FRAME;
      while (this.ready < this.length && performance.now() < until) {
        const last = min(this.ready + 256, this.length);
        for (; this.ready < last; this.ready++) {
          position[0] = this.ready;
          const value = this.network.at(position, this.state.blend);
          this.samples.forEach((channel, c) => (channel[this.ready] = min(max(value[c], -1), 1)));
        }
      }
      this.draw();
      this.onChange();
      if (this.ready < this.length) requestAnimationFrame(next);
    };
    requestAnimationFrame(next);
  }

  get done() {
    return this.ready === this.length;
  }

  whole() {
    this.show({ x: 0, zoom: this.canvas.width / this.length });
  }

  resized() {
    this.whole();
  }

  move(right) {
    this.show({ x: this.state.x + right / this.state.zoom });
  }

  zoomBy(factor, column = this.canvas.width / 2) {
    const { x, zoom } = this.state;
    const next = min(max(zoom * factor, this.canvas.width / this.length), MOST_ZOOM);
    this.show({ zoom: next, x: x + column / zoom - column / next });
  }

  show(changes) {
    const blended = this.state.blend;
    Object.assign(this.state, changes);
    const shown = this.canvas.width / this.state.zoom;
    this.state.x = min(max(this.state.x, 0), max(this.length - shown, 0));
    if (this.state.blend !== blended || !this.run) this.render();
    this.draw();
    this.onChange();
  }

  draw() {
    const { canvas, context } = this;
    const style = getComputedStyle(canvas);
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (this.state.cells) this.drawCells(style.borderTopColor);
    const each = canvas.height / this.network.channels;
    for (let c = 0; c < this.network.channels; c++) {
      context.fillStyle = context.strokeStyle = style.color;
      context.lineWidth = max(1.5, devicePixelRatio * 1.5);
      if (this.state.zoom > 1) this.drawLine(c, each);
      else this.drawRange(c, each);
    }
    if (this.audio) this.drawPlace(style.caretColor);
  }

  drawCells(colour) {
    const { context, canvas, network, state } = this;
    context.fillStyle = colour;
    for (let cell = 1; cell < network.grid[0]; cell++) {
      context.fillRect((network.edge(0, cell) - state.x) * state.zoom, 0, 1, canvas.height);
    }
  }

  // The network at every pixel.
  drawLine(channel, each) {
    const { context, canvas, state, network } = this;
    const position = new Float64Array(1);
    context.beginPath();
    for (let column = 0; column < canvas.width; column++) {
      const at = state.x + (column + 0.5) / state.zoom;
      if (at >= this.length) break;
      position[0] = at - 0.5;
      const value = min(max(network.at(position, state.blend)[channel], -1), 1);
      context.lineTo(column + 0.5, each * (channel + 0.5 - 0.47 * value));
    }
    context.stroke();
  }

  // The smallest and the largest of the samples of every pixel.
  drawRange(channel, each) {
    const { context, canvas, state } = this;
    const samples = this.samples[channel];
    for (let column = 0; column < canvas.width; column++) {
      const first = Math.floor(state.x + column / state.zoom);
      const last = min(this.ready, max(first + 1, Math.floor(state.x + (column + 1) / state.zoom)));
      let [low, high] = [Infinity, -Infinity];
      for (let i = first; i < last; i++) {
        low = min(low, samples[i]);
        high = max(high, samples[i]);
      }
      if (low > high) continue;
      const top = each * (channel + 0.5 - 0.47 * high);
      context.fillRect(column, top, 1, max(1, each * 0.47 * (high - low)));
    }
  }

  drawPlace(colour) {
    const { context, canvas, state } = this;
    const at = (this.audio.context.currentTime - this.audio.started + this.audio.from) * this.rate;
    context.fillStyle = colour;
    context.fillRect((at - state.x) * state.zoom, 0, max(1, devicePixelRatio), canvas.height);
  }

  // Play from the left edge of the view, or stop.
  play(onEnd) {
    if (this.audio) {
      this.audio.source.stop();
      return;
    }
    const context = new AudioContext();
    const buffer = context.createBuffer(this.samples.length, this.length, this.rate);
    this.samples.forEach((channel, c) => buffer.copyToChannel(channel, c));
    const source = context.createBufferSource();
    source.buffer = buffer;
    source.connect(context.destination);
    const from = this.state.x / this.rate;
    this.audio = { context, source, from, started: context.currentTime };
    source.onended = () => {
      this.audio = null;
      context.close();
      this.draw();
      onEnd();
    };
    source.start(0, from);
    const follow = () => {
      if (!this.audio) return;
      this.draw();
      requestAnimationFrame(follow);
    };
    follow();
  }

  status() {
    const { x, zoom } = this.state;
    const seconds = [x, min(x + this.canvas.width / zoom, this.length)].map((at) => at / this.rate);
    const made = this.done ? "" : ` · evaluated ${Math.floor((100 * this.ready) / this.length)}%`;
    return `${seconds.map((at) => at.toFixed(3)).join(" to ")} s${made}`;
  }
}
