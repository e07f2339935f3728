"use strict";
// A stage `activation(scale * (W x + b))`. A complex number is a pair of real ones: if an input has
// two `parts`, so has each column of the matrix, and if an output has two, so has each row.

// A product with a + bi as a matrix of real numbers: (a + bi)(x + yi) = (ax - by) + (bx + ay)i.
function realMatrix(stored, count, columns, rowParts, columnParts) {
  const values = leafOf(stored);
  const real = new Float32Array(count * rowParts * columnParts);
  let at = 0;
  for (let row = 0; row < count / columns; row++) {
    for (let p = 0; p < rowParts; p++) {
      for (let column = 0; column < columns; column++) {
        const k = row * columns + column;
        const [a, b] = stored.complex ? [values[2 * k], values[2 * k + 1]] : [values[k], 0];
        for (let q = 0; q < columnParts; q++) real[at++] = p === q ? a : p ? b : -b;
      }
    }
  }
  return real;
}

class Dense {
  constructor(stored, cells) {
    const { inputs, outputs, parts, activation, scale } = stored;
    this.inputs = inputs * parts[0];
    this.outputs = outputs * parts[1];
    this.weight = realMatrix(stored.weight, cells * outputs * inputs, inputs, parts[1], parts[0]);
    this.bias = realMatrix(stored.bias, cells * outputs, 1, parts[1], 1);
    this.scale = scale;
    this.activation = activation;
    this.complex = parts[1] === 2;
    this.result = new Float64Array(this.outputs);
  }

  value(cell, from) {
    const { inputs, outputs, weight, bias, scale, result } = this;
    let at = cell * outputs * inputs;
    for (let o = 0; o < outputs; o++) {
      let sum = bias[cell * outputs + o];
      for (let i = 0; i < inputs; i++) sum += weight[at++] * from[i];
      result[o] = scale * sum;
    }
    if (this.complex) {
      const [real, imaginary] = ACTIVATIONS[this.activation];
      for (let o = 0; o < outputs; o += 2) {
        const [x, y] = [result[o], result[o + 1]];
        result[o] = real(x, y);
        result[o + 1] = imaginary(x, y);
      }
    } else if (this.activation !== null) {
      const activation = ACTIVATIONS[this.activation];
      for (let o = 0; o < outputs; o++) result[o] = activation(result[o]);
    }
    return result;
  }

  // Of a cell: for each four outputs the biases, then for each four inputs a row for each output.
  get texels() {
    return groups(this.outputs) * (1 + 4 * groups(this.inputs));
  }

  // Absent inputs and outputs are zero.
  pack(cell, data, at) {
    const { inputs, outputs, weight, bias } = this;
    for (let o = 0; o < outputs; o += 4) {
      for (let k = 0; k < 4; k++, at++) {
        if (o + k < outputs) data[at] = bias[cell * outputs + o + k];
      }
      for (let i = 0; i < inputs; i += 4) {
        for (let k = 0; k < 4; k++) {
          for (let n = 0; n < 4; n++, at++) {
            if (o + k < outputs && i + n < inputs) {
              data[at] = weight[(cell * outputs + o + k) * inputs + i + n];
            }
          }
        }
      }
    }
  }

  functions() {
    return "";
  }

  source(index) {
    const name = `activation${this.activation}`;
    const parts = this.complex ? ["xy", "zw"] : ["x", "y", "z", "w"];
    const value = this.activation === null ? "s"
      : `vec4(${parts.map((part) => `${name}(s.${part})`).join(", ")})`;
    return `
  vec4 h${index + 1}[${groups(this.outputs)}];
  for (int o = 0; o < ${groups(this.outputs)}; o++) {
    vec4 s = texel(at++);
    for (int i = 0; i < ${groups(this.inputs)}; i++, at += 4) {
      vec4 x = h${index}[i];
      s += vec4(dot(texel(at), x), dot(texel(at + 1), x), dot(texel(at + 2), x), dot(texel(at + 3), x));
    }
    s *= ${decimal(this.scale)};
    h${index + 1}[o] = ${value};
  }`;
  }
}
