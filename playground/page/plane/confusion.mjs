/** The confusion matrix: how many points of each class are taken for which. */
import {colourOf} from "../common/colours.mjs";
import {element, find} from "../common/dom.mjs";

let shown = ""; // words of the classes, as JSON

/**
 * @param {Uint32Array} counts as confusionOf gives them, or null for regression
 * @param {string[]} words names of the classes
 */
export function showConfusion(counts, words) {
  find("confusion").hidden = counts === null;
  if (counts === null) return;
  const n = words.length;
  if (shown !== JSON.stringify(words)) buildTable(words);
  shown = JSON.stringify(words);
  const cells = find("confusion").querySelectorAll("td[data-cell]");
  const ofClass = words.map(
    (_, row) => counts.slice(row * n, (row + 1) * n).reduce((sum, count) => sum + count, 0));
  counts.forEach((count, i) => {
    const row = Math.floor(i / n), share = count / Math.max(1, ofClass[row]);
    cells[i].textContent = count;
    const isRight = row === i % n;
    cells[i].style.background = count ? colourOf(isRight ? 1 : -1, 0.12 + 0.5 * share) : "";
  });
}

function buildTable(words) {
  const heading = (text, scope) => element("th", {scope, textContent: text, title: text});
  const top = element("tr", {});
  top.append(element("td", {}), ...words.map((word) => heading(word, "col")));
  const rows = words.map((word) => {
    const row = element("tr", {});
    row.append(heading(word, "row"), ...words.map(() => {
      const cell = element("td", {});
      cell.dataset.cell = "";
      return cell;
    }));
    return row;
  });
  find("confusion").querySelector("table").replaceChildren(top, ...rows);
}
