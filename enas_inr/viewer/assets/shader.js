"use strict";
// The ensemble as a fragment shader. The numbers of a cell are consecutive texels of four, in the
// order of the stages.

const TEXELS_IN_A_ROW = 4096;

function groups(count) {
  return Math.ceil(count / 4);
}

function texelsOfCell(network) {
  return network.stages.reduce((sum, stage) => sum + stage.texels, 0);
}

function packed(network) {
  const texels = network.cells * texelsOfCell(network);
  const rows = Math.max(1, Math.ceil(texels / TEXELS_IN_A_ROW));
  const data = new Float32Array(rows * TEXELS_IN_A_ROW * 4);
  let at = 0;
  for (let cell = 0; cell < network.cells; cell++) {
    for (const stage of network.stages) {
      stage.pack(cell, data, at);
      at += 4 * stage.texels;
    }
  }
  return { data, rows };
}

function decimal(number) {
  const text = String(number);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

// Graphics cards compute sines of large numbers badly, so their periods are taken off before.
function glslExpression(text) {
  return text.replace(/\bsin\(/g, "sineOf(").replace(/\bcos\(/g, "cosineOf(");
}

function activationSource(expression, index) {
  if (typeof expression === "string") {
    return `float activation${index}(float z) { return ${glslExpression(expression)}; }`;
  }
  return `vec2 activation${index}(vec2 z) {
  float x = z.x;
  float y = z.y;
  return vec2(${expression.map(glslExpression).join(",\n    ")});
}`;
}

function networkSource(network) {
  const { axes, shape, grid } = network;
  const list = (numbers) => `int[${axes}](${numbers.join(", ")})`;
  const last = network.stages.length;
  return `
const int AXES = ${axes};
const int SHAPE[AXES] = ${list(shape)};
const int GRID[AXES] = ${list(grid)};
uniform highp sampler2D weights;
uniform bool blend;

vec4 texel(int at) {
  return texelFetch(weights, ivec2(at % ${TEXELS_IN_A_ROW}, at / ${TEXELS_IN_A_ROW}), 0);
}
float reduced(float z) {
  float turns = round(z * 0.15915494309189535);
  return (z - turns * 6.28125) - turns * 0.0019353071795864769;
}
float sineOf(float z) { return sin(reduced(z)); }
float cosineOf(float z) { return cos(reduced(z)); }
${network.expressions.map(activationSource).join("\n")}
${network.stages.map((stage) => stage.functions()).join("")}

int edge(int axis, int cell) { return cell * SHAPE[axis] / GRID[axis]; }
int owner(int axis, float position) {
  int chosen = clamp(int(floor(position + 0.5)), 0, SHAPE[axis] - 1);
  return ((chosen + 1) * GRID[axis] - 1) / SHAPE[axis];
}
float local(int axis, float position, int cell) {
  int first = edge(axis, cell);
  int length = edge(axis, cell + 1) - first;
  int longest = max(length, ${network.extent});
  int extent = ${network.convention === "edges" ? "longest" : "max(longest - 1, 1)"};
  return (2.0 * (position - float(first)) + 1.0 - float(length)) / float(extent);
}
vec4 member(int cell, vec4 x) {
  int at = cell * ${texelsOfCell(network)};
  vec4 h0[1];
  h0[0] = x;
  ${network.stages.map((stage, index) => stage.source(index)).join("")}
  return h${last}[0];
}
vec4 valueAt(vec3 position) {
  vec4 sum = vec4(0.0);
  int corners = blend ? ${1 << axes} : 1;
  for (int corner = 0; corner < corners; corner++) {
    float weight = 1.0;
    int cell = 0;
    vec4 x = vec4(0.0);
    for (int axis = 0; axis < AXES; axis++) {
      int own = owner(axis, blend ? position[axis] - 0.5 : position[axis]);
      if (blend) {
        float right = clamp(position[axis] - float(edge(axis, own + 1) - 1), 0.0, 1.0);
        int second = (corner >> axis) & 1;
        weight *= second == 1 ? right : 1.0 - right;
        own = min(own + second, GRID[axis] - 1);
      }
      cell = cell * GRID[axis] + own;
      x[axis] = local(axis, position[axis], own);
    }
    if (weight > 0.0) sum += weight * member(cell, x);
  }
  return sum;
}`;
}

const VERTEX_SOURCE = `#version 300 es
void main() {
  gl_Position = vec4(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0, 0.0, 1.0);
}`;

// Colours as `colourOf` in software.js has them.
function fragmentSource(network) {
  const colour = { 1: "v.xxxw", 2: "v.xxxy", 3: "v", 4: "v" }[network.channels] ?? "v";
  const alpha = { 2: "shade.a", 4: "shade.a" }[network.channels] ?? "1.0";
  return `#version 300 es
precision highp float;
precision highp int;
${networkSource(network)}
uniform vec2 origin;      // of the view, in samples from the edge of the signal
uniform float pixel;      // samples of a pixel
uniform float height;     // of the target, in pixels
uniform int across, down; // axes on the screen
uniform vec3 fixedAt;     // position along the other axes
uniform ivec2 factor;     // evaluations of a pixel along each direction
uniform bool cells, error, hasOriginal;
uniform float split;      // pixels from the left that show the original
uniform sampler2D original;
out vec4 result;

void main() {
  vec2 corner = vec2(gl_FragCoord.x - 0.5, height - gl_FragCoord.y - 0.5);
  vec2 middle = origin + (corner + 0.5) * pixel;
  vec2 size = vec2(SHAPE[across], SHAPE[down]);
  if (any(lessThan(middle, vec2(0.0))) || any(greaterThanEqual(middle, size))) {
    result = vec4(0.0);
    return;
  }
  vec4 known = hasOriginal ? texture(original, middle / size) : vec4(0.0);
  vec4 shade;
  if (hasOriginal && corner.x < split) {
    shade = known;
  } else {
    vec4 v = vec4(0.0);
    for (int r = 0; r < factor.y; r++) {
      for (int c = 0; c < factor.x; c++) {
        vec2 part = (vec2(c, r) + 0.5) / vec2(factor);
        vec2 at = origin + (corner + part) * pixel - 0.5;
        vec3 position = fixedAt;
        position[across] = at.x;
        position[down] = at.y;
        v += valueAt(position);
      }
    }
    v = v / float(factor.x * factor.y) * 0.5 + 0.5;
    shade = clamp(${colour}, 0.0, 1.0);
    shade.a = ${alpha};
    if (error && hasOriginal) {
      vec3 off = abs(shade.rgb - known.rgb);
      float much = clamp(8.0 * max(off.r, max(off.g, off.b)), 0.0, 1.0);
      shade = vec4(clamp(3.0 * much, 0.0, 1.0), clamp(3.0 * much - 1.0, 0.0, 1.0),
                   clamp(3.0 * much - 2.0, 0.0, 1.0), 1.0);
    }
  }
  if (cells) {
    vec2 lower = middle - vec2(edge(across, owner(across, middle.x - 0.5)), edge(down, owner(down, middle.y - 0.5)));
    if (any(lessThan(lower, vec2(pixel))) && all(greaterThan(middle, vec2(pixel)))) {
      shade = vec4(mix(shade.rgb, vec3(1.0, 0.85, 0.1), 0.75), 1.0);
    }
  }
  result = vec4(shade.rgb * shade.a, shade.a);
}`;
}
