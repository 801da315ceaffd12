/** The address of the page, whose hash is the state of the room that is shown. */

let next = null; // the hash that the address will get
let timer = null;

/** Put a hash into the address, soon: browsers refuse more than 20 changes a second. */
export function writeAddress(hash) {
  next = hash;
  timer ??= setTimeout(flushAddress, 150);
}

/** Write now what waits. */
export function flushAddress() {
  if (next !== null) history.replaceState(null, "", `#${next}`);
  forgetAddress();
}

/** Write nothing of what waits. */
export function forgetAddress() {
  clearTimeout(timer);
  next = timer = null;
}
