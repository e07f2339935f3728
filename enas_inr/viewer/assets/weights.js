"use strict";
// Decode the numbers of the page: base64 of little-endian numbers, integers with scales.

function bytesOf(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

function halfToFloat(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function numbersOf(type, text) {
  const buffer = bytesOf(text).buffer;
  if (type === "float32") return new Float32Array(buffer);
  if (type === "int16") return Float32Array.from(new Int16Array(buffer));
  if (type === "int8") return Float32Array.from(new Int8Array(buffer));
  return Float32Array.from(new Uint16Array(buffer), halfToFloat);
}

// A leaf of all cells as one Float32Array. A scale belongs to equally many consecutive numbers.
function leafOf(stored) {
  const values = numbersOf(stored.type, stored.data);
  if (!stored.scales) return values;
  const scales = numbersOf("float32", stored.scales);
  const each = values.length / stored.scaleCount;
  for (let i = 0; i < values.length; i++) values[i] *= scales[Math.floor(i / each)];
  return values;
}
