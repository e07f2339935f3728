"use strict";
// The ensemble in JavaScript: which cell owns a position, and the value of its sub-network there.
// A position counts samples: sample i is at i, and an axis extends from -0.5 to n - 0.5.

const { abs, cos, exp, log, max, min, sin, sqrt, tanh } = Math;

class Network {
  constructor(description) {
    Object.assign(this, description);
    this.axes = this.shape.length;
    this.cells = this.grid.reduce((product, count) => product * count, 1);
    const kinds = { dense: Dense, lookup: Lookup };
    this.stages = description.stages.map((stored) => new kinds[stored.kind](stored, this.cells, this.axes));
    this.input = new Float64Array(this.axes);
    this.sum = new Float64Array(this.channels);
    this.corner = new Int32Array(this.axes);
  }

  edge(axis, cell) {
    return Math.floor((cell * this.shape[axis]) / this.grid[axis]);
  }

  owner(axis, position) {
    const length = this.shape[axis];
    const sample = min(max(Math.floor(position + 0.5), 0), length - 1);
    return Math.floor(((sample + 1) * this.grid[axis] - 1) / length);
  }

  // The coordinate of a position in a cell, about from -1 to 1.
  local(axis, position, cell) {
    const first = this.edge(axis, cell);
    const length = this.edge(axis, cell + 1) - first;
    const longest = max(length, this.extent);
    const extent = this.convention === "edges" ? longest : max(longest - 1, 1);
    return (2 * (position - first) + 1 - length) / extent;
  }

  // Evaluate one sub-network at `this.input`; the result is valid until the next call.
  member(cell) {
    return this.stages.reduce((from, stage) => stage.value(cell, from), this.input);
  }

  // The value at a position, one number for each axis; valid until the next call.
  at(position, blend) {
    this.sum.fill(0);
    const corners = blend ? 1 << this.axes : 1;
    for (let corner = 0; corner < corners; corner++) {
      let weight = 1;
      let cell = 0;
      for (let axis = 0; axis < this.axes; axis++) {
        let own = this.owner(axis, blend ? position[axis] - 0.5 : position[axis]);
        if (blend) {
          const right = min(max(position[axis] - (this.edge(axis, own + 1) - 1), 0), 1);
          const second = (corner >> axis) & 1;
          weight *= second ? right : 1 - right;
          own = min(own + second, this.grid[axis] - 1);
        }
        cell = cell * this.grid[axis] + own;
        this.corner[axis] = own;
      }
      if (weight === 0) continue;
      for (let axis = 0; axis < this.axes; axis++) {
        this.input[axis] = this.local(axis, position[axis], this.corner[axis]);
      }
      const value = this.member(cell);
      for (let c = 0; c < this.channels; c++) this.sum[c] += weight * value[c];
    }
    return this.sum;
  }
}
