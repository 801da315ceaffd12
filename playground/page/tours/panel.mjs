/** The panel of the tours, above the rooms: a menu, or a step of one of them. */
import {flushAddress, keepInAddress, writeAddress} from "../common/address.mjs";
import {element, find} from "../common/dom.mjs";
import {TOURS} from "./tours.mjs";

const NAMES = Object.keys(TOURS);

let shown = null; // {name, index} of the step

/**
 * Take the parameter `lesson` out of a hash, and show the step that it names.
 *
 * @param {string} hash without "#"
 * @returns {string} the hash for the room: the rest or, where there is none, the link of the step
 */
export function openTour(hash) {
  shown = stepOf(/(?:^|&)lesson=([^&]*)/.exec(hash)?.[1] ?? "");
  keepInAddress(shown ? `lesson=${shown.name}.${shown.index + 1}` : "");
  showPanel(shown !== null);
  if (shown) showStep();
  return withoutLesson(hash) || (shown ? TOURS[shown.name].steps[shown.index].hash : "");
}

function withoutLesson(hash) {
  return hash.split("&").filter((part) => part && !part.startsWith("lesson=")).join("&");
}

/** The step that a text such as "xor.2" names, or null. */
function stepOf(text) {
  const [, name, number] = /^(\w+)\.([1-9])$/.exec(text) ?? [];
  const isKnown = Object.hasOwn(TOURS, name ?? "") && number <= TOURS[name].steps.length;
  return isKnown ? {name, index: number - 1} : null;
}

/** Go to a step; index may be one before the first step of a tour or after its last. */
function go({name, index}) {
  const place = NAMES.indexOf(name), {steps} = TOURS[name];
  if (index === steps.length) return go({name: NAMES[place + 1], index: 0});
  location.hash = `${steps[index].hash}&lesson=${name}.${index + 1}`;
}

function showStep() {
  const {name, index} = shown, {title, steps} = TOURS[name];
  const isLast = index === steps.length - 1;
  find("tour-menu").hidden = true;
  find("tour-step").hidden = false;
  find("tour-title").textContent = title;
  find("tour-place").textContent = `${index + 1} of ${steps.length}`;
  find("tour-progress").replaceChildren(...steps.map((_, i) => (
    element("i", {className: i <= index ? "done" : ""}))));
  find("tour-text").textContent = steps[index].text;
  find("tour-press").textContent = steps[index].press;
  find("tour-back").disabled = index === 0;
  find("tour-next").textContent = isLast ? "Next lesson" : "Next";
  find("tour-next").disabled = isLast && name === NAMES.at(-1);
}

function showMenu() {
  find("tour-title").textContent = "Lessons";
  find("tour-place").textContent = "";
  find("tour-step").hidden = true;
  find("tour-menu").hidden = false;
  showPanel(true);
}

function showPanel(is) {
  find("tour").hidden = !is;
  find("tours").ariaExpanded = String(is);
}

/** Close the panel; what the room shows stays. */
function close() {
  flushAddress();
  shown = null;
  keepInAddress("");
  writeAddress(withoutLesson(location.hash.slice(1)));
  showPanel(false);
  find("tours").focus();
}

for (const name of NAMES) {
  const button = element("button", {type: "button", textContent: TOURS[name].title});
  button.addEventListener("click", () => go({name, index: 0}));
  find("tour-menu").append(button);
}
find("tours").addEventListener("click", () => (find("tour").hidden ? showMenu() : close()));
find("tour-all").addEventListener("click", showMenu);
find("tour-close").addEventListener("click", close);
find("tour-back").addEventListener("click", () => go({...shown, index: shown.index - 1}));
find("tour-next").addEventListener("click", () => go({...shown, index: shown.index + 1}));
