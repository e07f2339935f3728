"use strict";
// Paint a view with WebGL2, in bands of rows, so that a large network does not block the page.

const COARSE = 4; // pixels along an edge of a block of the first, quick picture

class GpuPainter {
  // Throws an Error if the browser cannot do it.
  constructor(canvas, network, original) {
    const gl = canvas.getContext("webgl2", {
      preserveDrawingBuffer: true, antialias: false, depth: false,
    });
    if (!gl) throw new Error("WebGL2 is missing");
    const { data, rows } = packed(network);
    if (rows > gl.getParameter(gl.MAX_TEXTURE_SIZE)) throw new Error("the weights need a larger texture");
    Object.assign(this, { gl, canvas, network, hasOriginal: Boolean(original) });
    this.name = "WebGL2";
    this.program = this.linked(VERTEX_SOURCE, fragmentSource(network));
    gl.useProgram(this.program);
    gl.bindVertexArray(gl.createVertexArray());
    this.texture(0);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA32F, TEXELS_IN_A_ROW, rows, 0, gl.RGBA, gl.FLOAT, data);
    this.parameters(gl.NEAREST, gl.NEAREST);
    this.texture(1);
    const picture = original ?? new ImageData(1, 1);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, picture.width, picture.height, 0, gl.RGBA,
      gl.UNSIGNED_BYTE, picture.data);
    gl.generateMipmap(gl.TEXTURE_2D);
    this.parameters(gl.LINEAR_MIPMAP_LINEAR, gl.NEAREST);
    this.uniform("weights", "1i", 0);
    this.uniform("original", "1i", 1);
    this.small = { texture: this.texture(2), buffer: gl.createFramebuffer() };
    this.rowsAtOnce = 16;
  }

  linked(...sources) {
    const { gl } = this;
    const program = gl.createProgram();
    [gl.VERTEX_SHADER, gl.FRAGMENT_SHADER].forEach((kind, i) => {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, sources[i]);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
      if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) {
        throw new Error(`the shader cannot be compiled: ${gl.getShaderInfoLog(shader)}`);
      }
    });
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
      throw new Error(`the shader cannot be linked: ${gl.getProgramInfoLog(program)}`);
    }
    return program;
  }

  texture(unit) {
    const { gl } = this;
    const made = gl.createTexture();
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.bindTexture(gl.TEXTURE_2D, made);
    return made;
  }

  parameters(smaller, larger) {
    const { gl } = this;
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, smaller);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, larger);
    for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) {
      gl.texParameteri(gl.TEXTURE_2D, side, gl.CLAMP_TO_EDGE);
    }
  }

  uniform(name, kind, ...values) {
    this.gl[`uniform${kind}`](this.gl.getUniformLocation(this.program, name), ...values);
  }

  // Draw a quick picture of large blocks, unless the precise one follows at once.
  begin(view) {
    this.view = view;
    this.nextRow = 0;
    const { gl, canvas } = this;
    const work = canvas.width * view.factor ** 2 * this.network.macs;
    if (canvas.height <= this.rowsAtOnce || work * canvas.height < 2e7) return;
    const [width, height] = [Math.ceil(canvas.width / COARSE), Math.ceil(canvas.height / COARSE)];
    gl.activeTexture(gl.TEXTURE2);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, width, height, 0, gl.RGBA, gl.UNSIGNED_BYTE, null);
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.small.buffer);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, this.small.texture, 0);
    this.draw(view, width, height, COARSE);
    gl.bindFramebuffer(gl.READ_FRAMEBUFFER, this.small.buffer);
    gl.bindFramebuffer(gl.DRAW_FRAMEBUFFER, null);
    const top = canvas.height - height * COARSE;
    gl.blitFramebuffer(0, 0, width, height, 0, top, width * COARSE, canvas.height,
      gl.COLOR_BUFFER_BIT, gl.NEAREST);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
  }

  draw(view, width, height, block) {
    const { gl } = this;
    gl.viewport(0, 0, width, height);
    this.uniform("origin", "2f", view.x, view.y);
    this.uniform("pixel", "1f", block / view.zoom);
    this.uniform("height", "1f", height);
    this.uniform("across", "1i", view.across);
    this.uniform("down", "1i", view.down);
    this.uniform("fixedAt", "3f", ...view.fixedAt);
    const factor = block > 1 ? 1 : view.factor;
    this.uniform("factor", "2i", factor, factor);
    this.uniform("split", "1f", view.split / block);
    this.uniform("hasOriginal", "1i", Number(this.hasOriginal));
    for (const name of ["blend", "cells", "error"]) this.uniform(name, "1i", Number(view[name]));
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  // Draw the next band of rows; return whether there is more to draw.
  step() {
    const { gl, canvas } = this;
    const rows = Math.min(this.rowsAtOnce, canvas.height - this.nextRow);
    const started = performance.now();
    gl.enable(gl.SCISSOR_TEST);
    gl.scissor(0, canvas.height - this.nextRow - rows, canvas.width, rows);
    this.draw(this.view, canvas.width, canvas.height, 1);
    gl.disable(gl.SCISSOR_TEST);
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4)); // waits for it
    const took = performance.now() - started;
    this.nextRow += rows;
    this.rowsAtOnce = Math.max(1, Math.min(8192, Math.round(rows * Math.min(4, 30 / (took + 1)))));
    return this.nextRow < canvas.height;
  }

  // All pixels, from the top: red, green, blue, alpha.
  pixels() {
    const { gl, canvas } = this;
    const { width, height } = canvas;
    const found = new Uint8Array(width * height * 4);
    gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, found);
    const flipped = new Uint8Array(found.length);
    for (let row = 0; row < height; row++) {
      flipped.set(found.subarray(row * width * 4, (row + 1) * width * 4), (height - 1 - row) * width * 4);
    }
    return flipped;
  }
}
