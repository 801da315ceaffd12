/** Numbers as text, for links and scripts. */

/** @returns {string} float32 numbers, little-endian, as base64 */
export function base64Of(numbers) {
  const view = new DataView(new ArrayBuffer(4 * numbers.length));
  numbers.forEach((number, i) => view.setFloat32(4 * i, number, true));
  const letters = Array.from(new Uint8Array(view.buffer), (byte) => String.fromCharCode(byte));
  return btoa(letters.join(""));
}

/** @returns {Uint8Array} the bytes of base64, with or without "=" at its end */
export function bytesOf(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
