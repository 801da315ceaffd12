/** Squares of grey levels on canvases. */
import {styleColour} from "../common/canvas.mjs";

const scratch = document.createElement("canvas");

/** Paint n × n levels from 0 to 1 in the colour of ink, which is the more opaque the more ink. */
export function greyImage(levels, n) {
  const image = new ImageData(n, n), ink = styleColour("ink");
  const colour = [1, 3, 5].map((at) => parseInt(ink.slice(at, at + 2), 16)); // "#1c2128"
  for (let i = 0; i < n * n; i++) {
    image.data.set(colour, 4 * i);
    image.data[4 * i + 3] = Math.round(255 * levels[i]);
  }
  return image;
}

/** Draw an image of n × n pixels into a square, by default with sharp pixels. */
export function paintImage(context, image, left, top, side, {isSmooth = false} = {}) {
  if (scratch.width !== image.width) scratch.width = scratch.height = image.width;
  scratch.getContext("2d").putImageData(image, 0, 0);
  context.imageSmoothingEnabled = isSmooth;
  context.drawImage(scratch, left, top, side, side);
}

/** Show an image as the whole content of a canvas that has its size. */
export function fill(canvas, image) {
  if (canvas.width !== image.width) canvas.width = canvas.height = image.width;
  canvas.getContext("2d").putImageData(image, 0, 0);
}
