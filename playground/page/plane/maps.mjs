/** Small pictures of all neurons' values over the plane, in one image, as that is drawn quickly. */
import {paintNumbers} from "../common/colours.mjs";
import {mapOf} from "./surface.mjs";

const OPACITY = 0.85;
const sheet = document.createElement("canvas"); // layers from left to right, neurons down
let pixels = 0; // of the side of a map

/** Paint the maps of a frame. */
export function paintMaps(frame) {
  const {sizes} = frame;
  pixels = Math.sqrt(frame.inputs.length / sizes[0]);
  [sheet.width, sheet.height] = [pixels * sizes.length, pixels * Math.max(...sizes)];
  // in memory, rather than on the graphics card
  const context = sheet.getContext("2d", {willReadFrequently: true});
  const image = new ImageData(sheet.width, sheet.height);
  sizes.forEach((size, layer) => {
    for (let unit = 0; unit < size; unit++) {
      const numbers = mapOf(frame, {layer, unit});
      paintNumbers(numbers, pixels, OPACITY, image, pixels * layer, pixels * unit);
    }
  });
  context.putImageData(image, 0, 0);
}

/** Draw the map of a neuron of the diagram that was painted last. */
export function drawMap(context, {layer, unit, x, y, side}) {
  context.imageSmoothingEnabled = true;
  context.drawImage(sheet, pixels * layer, pixels * unit, pixels, pixels, x, y, side, side);
}
