/** Links of the diagram: curves whose width and colour are weights. */
import {colourOf} from "../common/colours.mjs";

const MANY = 400; // above, links are drawn in groups
const LEVELS = 12; // of strength, in groups
const FADED = 0.2;

/** How strong a weight looks, from 0 to 1. */
function strengthOf(weight) {
  return Math.tanh(Math.abs(weight) / 1.5);
}

function widthOf(strength, side) {
  return 0.6 + (side / 7) * strength;
}

function opacityOf(strength) {
  return 0.12 + 0.78 * strength;
}

/** Add a link to a path, moved down by `offset`. */
function trace(context, {from, to}, offset = 0) {
  const [x, y, toX, toY] = ends(from, to), middle = (x + toX) / 2;
  context.moveTo(x, y + offset);
  context.bezierCurveTo(middle, y + offset, middle, toY + offset, toX, toY + offset);
}

function ends(from, to) {
  return [from.x + from.side, from.y + from.side / 2, to.x, to.y + to.side / 2];
}

/**
 * Draw links.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {{from: object, to: object, place: number}[]} links between neurons of the diagram, with
 *   the places of their weights in the parameters
 * @param {Float32Array} parameters
 * @param {(link: object) => boolean} isFaded
 */
export function drawLinks(context, links, parameters, isFaded) {
  if (links.length > MANY) return void drawGroups(context, links, parameters, isFaded);
  for (const link of links) {
    const weight = parameters[link.place], strength = strengthOf(weight);
    context.beginPath();
    trace(context, link);
    context.lineWidth = widthOf(strength, link.from.side);
    context.strokeStyle = colourOf(weight, opacityOf(strength) * (isFaded(link) ? FADED : 1));
    context.stroke();
  }
}

/** Draw links of about the same weight in one path; browsers draw lines of one pixel far faster than
 * others, so several of them, side by side, are a thicker link. */
function drawGroups(context, links, parameters, isFaded) {
  const groups = Array.from({length: 4 * (LEVELS + 1)}, () => []); // from weak to strong
  for (const link of links) {
    const weight = parameters[link.place], level = Math.round(LEVELS * strengthOf(weight));
    groups[4 * level + (weight < 0 ? 2 : 0) + (isFaded(link) ? 0 : 1)].push(link);
  }
  groups.forEach((group, index) => {
    if (group.length === 0) return;
    const strength = (index >> 2) / LEVELS, width = widthOf(strength, group[0].from.side);
    const lines = Math.ceil(width * devicePixelRatio), apart = width / lines;
    context.beginPath();
    for (const link of group) {
      for (let i = 0; i < lines; i++) trace(context, link, (i - (lines - 1) / 2) * apart);
    }
    context.lineWidth = apart;
    const opacity = opacityOf(strength) * (index & 1 ? 1 : FADED);
    context.strokeStyle = colourOf(index & 2 ? -1 : 1, opacity);
    context.stroke();
  });
}

/** Draw a link so that it stands out. */
export function drawChosenLink(context, link, weight, ground, line) {
  const width = widthOf(strengthOf(weight), link.from.side);
  for (const [more, colour] of [[7, line], [3.5, ground], [0, colourOf(weight, 1)]]) {
    context.beginPath();
    trace(context, link);
    context.lineWidth = width + more;
    context.strokeStyle = colour;
    context.stroke();
  }
}

/** @returns {object | null} the link under a point, or at most `reach` away from it */
export function linkAt(links, px, py, reach) {
  let nearest = null, least = reach;
  for (const link of links) {
    const [x, y, toX, toY] = ends(link.from, link.to);
    if (px < x || px > toX) continue;
    const t = timeAt((px - x) / (toX - x)), rise = (toY - y) * 6 * t * (1 - t);
    const run = (toX - x) * (1.5 - 3 * t + 3 * t * t);
    const below = y + (toY - y) * t * t * (3 - 2 * t) - py;
    const distance = Math.abs(below) * run / Math.hypot(rise, run);
    if (distance < least) [nearest, least] = [link, distance];
  }
  return nearest;
}

/** Where a curve of `trace` has come this share of its way to the right. */
function timeAt(share) {
  let [low, high] = [0, 1];
  for (let i = 0; i < 12; i++) {
    const t = (low + high) / 2;
    if (1.5 * t * (1 - t) + t ** 3 < share) low = t;
    else high = t;
  }
  return (low + high) / 2;
}
