/** The address of the page, whose hash is the state of the room that is shown. */

let next = null; // the hash that the address will get
let timer = null;
let kept = ""; // what the hash has besides
let taken = ""; // the hash that rooms know; with another one, the event hashchange is on its way

/** Put a hash into the address, soon: browsers refuse more than 20 changes a second. */
export function writeAddress(hash) {
  next = hash;
  timer ??= setTimeout(flushAddress, 150);
}

/** Let the hash have this part, besides what rooms write, from now on; "" for none. */
export function keepInAddress(part) {
  kept = part;
}

/** Write now what waits. */
export function flushAddress() {
  if (next !== null && location.hash === taken) {
    const hash = kept ? `${next}&${kept}` : next;
    // with the whole address, as a page in a frame's srcdoc has another base
    history.replaceState(null, "", `${location.href.split("#")[0]}#${hash}`);
    taken = location.hash;
  }
  clearTimeout(timer);
  next = timer = null;
}

/** Write nothing of what waits, as rooms now take the address as it is. */
export function takeAddress() {
  next = null;
  flushAddress();
  taken = location.hash;
}
