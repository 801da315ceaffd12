/** Numbers as text, and signed numbers as bars. */
import {colourOf} from "../common/colours.mjs";
import {element} from "../common/dom.mjs";

/** @returns {string} a number with this many digits after the point, and a real minus sign */
export function fixed(number, digits = 3) {
  return number.toFixed(digits).replace(/^-(?=[0.]*$)/, "").replace("-", "−");
}

/** @returns {string} with a sign, also where it is positive; small numbers have two digits */
export function signed(number) {
  const size = Math.abs(number);
  const text = number === 0 || size >= 0.01 ? size.toFixed(3)
    : size >= 0.0005 ? size.toPrecision(2) : size.toExponential(1);
  return `${number < 0 ? "−" : "+"}${text.replace("e-", "e−")}`;
}

export function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}

/** The places of the numbers farthest from 0, the farthest first. */
export function largest(numbers, most) {
  const order = [...numbers.keys()].filter((i) => numbers[i] !== 0);
  return order.sort((i, j) => Math.abs(numbers[j]) - Math.abs(numbers[i])).slice(0, most);
}

/** @returns {HTMLElement} a bar to the right of the middle, or below 0 to its left */
export function signedBar(number, most) {
  const bar = element("span", {className: "signed-bar", ariaHidden: "true"});
  const filled = element("i", {});
  const share = most > 0 ? Math.min(1, Math.abs(number) / most) : 0;
  filled.style.width = `${50 * share}%`;
  filled.style.left = `${number < 0 ? 50 - 50 * share : 50}%`;
  filled.style.background = colourOf(number, 0.85);
  bar.append(filled);
  return bar;
}

/** @returns {HTMLTableRowElement} a row of texts and elements, the first as its header */
export function row(...cells) {
  const made = cells.map((content, i) => {
    const cell = element(i === 0 ? "th" : "td", i === 0 ? {scope: "row"} : {});
    cell.append(content);
    return cell;
  });
  const found = element("tr", {});
  found.append(...made);
  return found;
}
