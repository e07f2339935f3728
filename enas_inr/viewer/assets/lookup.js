"use strict";
// A stage that interpolates features between the vertices of grids, whose rows are found by their
// number or by a hash, in JavaScript and in the shader.

class Lookup {
  constructor(stored, cells, axes) {
    Object.assign(this, stored);
    this.axes = axes;
    this.grids = stored.grids.map((grid) => ({ ...grid, table: leafOf(grid.table) }));
    this.outputs = this.grids.reduce((sum, grid) => sum + grid.features, 0);
    this.result = new Float64Array(this.outputs);
    this.low = new Float64Array(axes);
    this.part = new Float64Array(axes);
  }

  value(cell, from) {
    const { axes, low, part, result } = this;
    result.fill(0);
    let first = 0;
    for (const { resolution, features, rows, hashed, table } of this.grids) {
      for (let axis = 0; axis < axes; axis++) {
        const place = (from[axis] / this.span + 1) * 0.5 * resolution;
        low[axis] = min(max(Math.floor(place), 0), resolution - 1);
        part[axis] = place - low[axis];
        if (this.smooth) {
          const inside = min(max(part[axis], 0), 1);
          part[axis] = inside * inside * (3 - 2 * inside);
        }
      }
      for (let corner = 0; corner < 1 << axes; corner++) {
        let weight = this.gain;
        for (let axis = 0; axis < axes; axis++) {
          weight *= (corner >> axis) & 1 ? part[axis] : 1 - part[axis];
        }
        const row = hashed ? this.hashedRow(corner, rows) : this.row(corner, resolution);
        for (let f = 0; f < features; f++) {
          result[first + f] += weight * table[(cell * features + f) * rows + row];
        }
      }
      first += features;
    }
    return result;
  }

  row(corner, resolution) {
    let row = 0;
    for (let axis = 0; axis < this.axes; axis++) {
      row = row * (resolution + 1) + this.low[axis] + ((corner >> axis) & 1);
    }
    return row;
  }

  // Products have up to 48 bits, which numbers of JavaScript have exactly, but XOR is of 32 bits.
  hashedRow(corner, rows) {
    let [high, low] = [0, 0];
    for (let axis = 0; axis < this.axes; axis++) {
      const product = (this.low[axis] + ((corner >> axis) & 1)) * this.factors[axis];
      high ^= product / 2 ** 32;
      low ^= product;
    }
    return (high * 2 ** 32 + (low >>> 0)) % rows;
  }

  // Of a cell: for each grid and row its features.
  get texels() {
    return this.grids.reduce((sum, grid) => sum + grid.rows * groups(grid.features), 0);
  }

  pack(cell, data, at) {
    for (const { features, rows, table } of this.grids) {
      for (let row = 0; row < rows; row++, at += 4 * groups(features)) {
        for (let f = 0; f < features; f++) data[at + f] = table[(cell * features + f) * rows + row];
      }
    }
  }

  functions() {
    return `
const uint FACTORS[AXES] = uint[AXES](${this.factors.map((factor) => `${factor}u`).join(", ")});

// A product of a vertex, up to 2^16, and a factor, as (high, low) 32 bits.
uvec2 product(uint vertex, uint factor) {
  uint low = vertex * (factor & 0xffffu);
  uint high = vertex * (factor >> 16) + (low >> 16);
  return uvec2(high >> 16, (high << 16) | (low & 0xffffu));
}
// What is left of such a number after a division by up to 2^24 rows.
uint remainder(uvec2 number, uint rows) {
  uint left = number.x % rows;
  for (int shift = 24; shift >= 0; shift -= 8) {
    left = ((left << 8) | ((number.y >> shift) & 0xffu)) % rows;
  }
  return left;
}
// Four features of a grid, whose rows of so many texels begin at a texel.
vec4 interpolated(int first, int texels, int resolution, uint rows, bool hashed, vec4 x) {
  vec4 place = (x / ${decimal(this.span)} + 1.0) * 0.5 * float(resolution);
  vec4 low = clamp(floor(place), 0.0, float(resolution - 1));
  vec4 part = place - low;
  ${this.smooth ? "part = clamp(part, 0.0, 1.0); part *= part * (3.0 - 2.0 * part);" : ""}
  vec4 sum = vec4(0.0);
  for (int corner = 0; corner < (1 << AXES); corner++) {
    float weight = ${decimal(this.gain)};
    uint row = 0u;
    uvec2 hash = uvec2(0u);
    for (int axis = 0; axis < AXES; axis++) {
      int side = (corner >> axis) & 1;
      uint vertex = uint(int(low[axis]) + side);
      weight *= side == 1 ? part[axis] : 1.0 - part[axis];
      if (hashed) hash ^= product(vertex, FACTORS[axis]);
      else row = row * uint(resolution + 1) + vertex;
    }
    if (hashed) row = remainder(hash, rows);
    sum += weight * texel(first + texels * int(row));
  }
  return sum;
}`;
  }

  // Features are consecutive, though those of a grid may begin in the middle of four.
  source(index) {
    const name = `h${index + 1}`;
    const last = groups(this.outputs);
    const lines = [`vec4 ${name}[${last}];`, `${name}[${last - 1}] = vec4(0.0);`, "vec4 v;"];
    let to = 0;
    for (const { resolution, features, rows, hashed } of this.grids) {
      const texels = groups(features);
      for (let group = 0; group < texels; group++) {
        lines.push(`v = interpolated(at + ${group}, ${texels}, ${resolution}, ${rows}u, ${hashed}, h${index}[0]);`);
        for (let f = 4 * group; f < min(4 * group + 4, features); f++, to++) {
          lines.push(`${name}[${to >> 2}].${"xyzw"[to & 3]} = v.${"xyzw"[f & 3]};`);
        }
      }
      lines.push(`at += ${rows * texels};`);
    }
    return `\n  ${lines.join("\n  ")}`;
  }
}
