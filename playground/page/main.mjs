/** The page: its rooms; one is shown at a time. */
import {flushAddress, takeAddress} from "./common/address.mjs";
import {find} from "./common/dom.mjs";
import {clearNotice} from "./common/notice.mjs";
import {digits} from "./digits/room.mjs";
import {linkOfGiven} from "./plane/given.mjs";
import {plane} from "./plane/room.mjs";
import {openTour} from "./tours/panel.mjs";

/** By the parameter `room` of a link; the first is the default. */
const ROOMS = {plane, digits};
const left = {}; // the hash of each room that was shown before

const given = linkOfGiven();
let shown = null;

/** Show the room of a link, and open the link in it. */
function open() {
  takeAddress();
  const hash = openTour(location.hash.slice(1)) || given;
  const wanted = new URLSearchParams(hash).get("room");
  const name = Object.hasOwn(ROOMS, wanted) ? wanted : Object.keys(ROOMS)[0];
  if (shown && shown !== name) ROOMS[shown].close();
  shown = name;
  document.body.dataset.room = name;
  for (const tab of document.querySelectorAll("[data-tab]")) {
    tab.ariaCurrent = tab.dataset.tab === name ? "page" : "false";
  }
  clearNotice();
  ROOMS[name].open(hash);
}

/** Go to a room, as it was left. */
function enter(name) {
  if (name === shown) return;
  ROOMS[shown].close();
  flushAddress();
  left[shown] = location.hash;
  location.hash = left[name] ?? `room=${name}`;
}

for (const tab of document.querySelectorAll("[data-tab]")) {
  tab.addEventListener("click", () => enter(tab.dataset.tab));
}
document.addEventListener("keydown", (event) => {
  if (!document.querySelector("dialog[open]")) ROOMS[shown].onKey(event);
});
window.addEventListener("pagehide", flushAddress);
window.addEventListener("hashchange", open);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => ROOMS[shown].redraw());
open();
