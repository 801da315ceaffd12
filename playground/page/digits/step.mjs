/** What one step of gradient descent changed. */
import {find} from "../common/dom.mjs";
import {sourceOf} from "./neuron.mjs";
import {fixed, largest, row, signed, signedBar} from "./numbers.mjs";
import {firstWeight, placeOf} from "./reader.mjs";

const MOST_MOVED = 8; // parameters listed

/**
 * @param {object | null} step as `Reader.last`
 * @param {number} nTaught how many steps there were since the network was as shipped
 */
export function showStep(step, nTaught) {
  showCost("digit-cost-before", step?.costs[0]);
  showCost("digit-cost-after", step?.costs[1]);
  find("digit-forget").disabled = nTaught === 0;
  find("digit-taught").textContent = nTaught === 0 ? "The network is as it was trained."
    : `Changed by ${nTaught} ${nTaught === 1 ? "step" : "steps"} of yours.`;
  for (const id of ["digit-wants", "digit-moved", "digit-layers"]) find(id).hidden = !step;
  find("digit-step-hint").hidden = Boolean(step);
  if (!step) return;
  showWants(step);
  showMoved(step);
}

function showCost(id, cost) {
  const cell = find(id);
  cell.textContent = cost === undefined ? "–" : cost.toPrecision(3).replace("e-", "e−");
  cell.title = cost === undefined ? "" : String(cost);
}

/** The nudges of the outputs, which the step begins with. */
function showWants({digit, trace}) {
  const nudges = trace.deltas[2].map((delta) => -delta);
  const rows = [...nudges].map((nudge, d) => {
    const direction = nudge < 0 ? "down" : "up";
    const found = row(String(d), signedBar(nudge, 1), direction, signed(nudge));
    found.classList.toggle("true", d === digit);
    return found;
  });
  find("digit-want-rows").replaceChildren(...rows);
}

function showMoved({before, after, gradient, rate}) {
  const moves = after.map((number, i) => number - before[i]);
  const rows = largest(moves, MOST_MOVED).map((i) => {
    const place = placeOf(i);
    const found = row(String(place.layer), ...linkOf(place), fixed(before[i]), fixed(after[i]),
      signed(moves[i]));
    found.dataset.index = i;
    found.title = `nudge ${-gradient[i]}, times the rate ${rate}`;
    return found;
  });
  find("digit-moved-rows").replaceChildren(...rows);
  const still = grouped(moves.filter((move) => move === 0).length);
  find("digit-still").textContent = `The ${rows.length} of ${grouped(moves.length)} numbers that `
    + `moved most. ${still} did not move, most of them weights of pixels without ink.`;
  find("digit-layer-rows").replaceChildren(...[1, 2, 3].map((layer) => layerRow(moves, layer)));
}

function layerRow(moves, layer) {
  const [first, end] = [firstWeight(layer), firstWeight(layer + 1)];
  const [most] = largest(moves.subarray(first, end), 1).map((i) => first + i);
  const nMoved = moves.subarray(first, end).filter((move) => move !== 0).length;
  const numbers = `${grouped(nMoved)} of ${grouped(end - first)}`;
  if (most === undefined) return row(String(layer), "–", "–", numbers, "–");
  return row(String(layer), ...linkOf(placeOf(most)), numbers, signed(moves[most]));
}

/** What a parameter links: a bias has no neuron before it. */
function linkOf({layer, from, to}) {
  const source = from === null ? "bias" : sourceOf(layer, from);
  return [source, layer === 3 ? `output ${to}` : `neuron ${to + 1}`];
}

function grouped(count) {
  return count.toLocaleString("en");
}
