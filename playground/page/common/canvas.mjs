/** Canvases that are sharp on every screen. */

/** Fit a canvas to its place; return its context, in CSS pixels, and its size. */
export function freshContext(canvas) {
  const {clientWidth: width, clientHeight: height} = canvas;
  const scale = window.devicePixelRatio || 1;
  const [wide, high] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== wide || canvas.height !== high) [canvas.width, canvas.height] = [wide, high];
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return {context, width, height};
}

const colours = new Map(); // of the style sheet: to ask for them takes long
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => colours.clear());

/** @returns {string} a colour of the style sheet */
export function styleColour(name) {
  if (!colours.has(name)) {
    const style = getComputedStyle(document.documentElement);
    colours.set(name, style.getPropertyValue(`--${name}`).trim());
  }
  return colours.get(name);
}

const scratch = document.createElement("canvas");

/** Draw an image of n × n pixels into a square, smoothly. */
export function drawImage(context, image, left, top, side) {
  if (scratch.width !== image.width) scratch.width = scratch.height = image.width;
  scratch.getContext("2d").putImageData(image, 0, 0);
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  context.drawImage(scratch, left, top, side, side);
}
