/** The colours of classes, or of targets, under the plane. */
import {colourOfLabel} from "../common/colours.mjs";
import {element, find} from "../common/dom.mjs";

/** @param {{classes: number, words: string[]}} outline as outlineOf returns it */
export function showLegend({classes, words}) {
  find("legend").className = classes ? "" : "regression";
  find("legend").replaceChildren(...words.map((word, label) => {
    const entry = element("span", {title: word});
    if (classes) {
      const swatch = element("i");
      swatch.style.background = colourOfLabel(label, classes);
      entry.append(swatch);
    }
    entry.append(word);
    return entry;
  }));
}
